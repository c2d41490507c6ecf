#pragma once

#include <future>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <vector>

#include "consume/board.hpp"
#include "consume/consumer.hpp"

namespace deltadrop::consume {

/// The first step: reads the log as a member of the group and records what it finds, batch by batch. One
/// thread reads and decodes; while it gathers a batch, another one stores the batch before (at most one).
class LogRecorder {
 public:
  LogRecorder(const Options& options, eventlog::EventLog& log, history::HistoryWriter& history,
              io::Clock& clock, Board& board);

  /// Until `stop`, the log is interrupted, or something that waiting does not mend: that is noted as
  /// `stopped`.
  void run(const std::stop_token& stop);

 private:
  struct Position {
    eventlog::LogIdentity identity;
    std::optional<eventlog::Offset> stored;  ///< as in the history
    eventlog::Offset next;                   ///< read up to here
    bool read = false;                       ///< something that is pending
    bool storing = false;                    ///< something that is being stored
  };
  /// The batch that is being stored. It is awaited before positions are used for anything else.
  struct Storing {
    std::future<Result<void>> result;
    std::stop_source give_up;  ///< no more attempts
    std::vector<history::OffsetAdvance> advances;
    std::int64_t messages = 0;
  };

  Result<void> session(const std::stop_token& stop);
  Result<void> follow(const std::stop_token& stop, const eventlog::Polled& polled);
  Result<void> begin_at_stored(const std::stop_token& stop,
                               const std::vector<eventlog::PartitionState>& states);
  Result<eventlog::Offset> start_of(const eventlog::PartitionState& state,
                                    const std::optional<history::StoredOffset>& stored) const;
  Result<std::vector<history::StoredOffset>> stored_offsets(const std::stop_token& stop);
  /// "offset-moved" where the history holds other offsets than this reader left there.
  Result<void> check_stored();
  void take(const eventlog::Record& record);
  void drop(const std::vector<eventlog::PartitionRef>& partitions);
  [[nodiscard]] bool is_due() const;
  [[nodiscard]] eventlog::PollLimits limits() const;

  /// Hands what is pending over to be stored, once the batch before is; how that went is the result.
  Result<void> commit(const std::stop_token& stop);
  /// The same, and awaits that too.
  Result<void> commit_all(const std::stop_token& stop);
  void begin_storing(const std::stop_token& stop, history::RecordBatch batch);
  [[nodiscard]] bool is_storing() const;
  /// Awaits the batch that is being stored. After a failure nothing that was read since it began may be
  /// recorded.
  Result<void> settle();
  /// The same, but a database that cannot be written is not waited for.
  Result<void> settle_soon();
  Result<void> give_back(const std::vector<eventlog::PartitionRef>& partitions);
  void forget_pending();
  Result<void> store(const std::stop_token& stop, history::RecordBatch& batch);
  Result<bool> was_stored(const std::stop_token& stop, const history::RecordBatch& batch);
  Result<void> store_halves(const std::stop_token& stop, history::RecordBatch& batch, const Error& refusal);
  void note_lag(bool ask_log = true);
  /// Asks the log; none where it does not say.
  std::optional<std::int64_t> lag_now();

  const Options& options_;
  eventlog::EventLog& log_;
  history::HistoryWriter& history_;
  io::Clock& clock_;
  Board& board_;
  bool assigned_ = false;  ///< told which partitions are this reader's
  Warning log_warning_;
  Warning history_warning_;  ///< of the thread that stores

  std::unique_ptr<eventlog::LogReader> reader_;
  std::map<eventlog::PartitionRef, Position> positions_;
  history::RecordBatch pending_;
  std::size_t pending_bytes_ = 0;
  std::chrono::steady_clock::time_point pending_since_;
  std::chrono::steady_clock::time_point checked_at_ = std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point lag_noted_at_;
  std::optional<Storing> storing_;  ///< last: its thread uses the others
};

/// Moves the later half of a batch of several events out of it; the two in turn do what the one would have
/// done.
history::RecordBatch split_off_half(history::RecordBatch& batch);

}  // namespace deltadrop::consume
