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

/// The first step: reads the log as a member of the group and records the messages in batches. One thread
/// reads and decodes. While it gathers a batch, another thread stores the previous one.
class LogRecorder {
 public:
  LogRecorder(const Options& options, eventlog::EventLog& log, history::HistoryWriter& history,
              io::Clock& clock, Board& board);

  /// Runs until `stop`, until the log is interrupted, or until an error that waiting does not resolve, which
  /// it notes as `stopped`.
  void run(const std::stop_token& stop);

 private:
  struct Position {
    eventlog::LogIdentity identity;
    std::optional<eventlog::Offset> stored;  ///< the offset in the history
    eventlog::Offset next;                   ///< the next offset to read
    bool read = false;                       ///< has pending messages
    bool storing = false;                    ///< has messages that are being stored
  };
  /// The batch that is being stored. Await it before using the positions for anything else.
  struct Storing {
    std::future<Result<void>> result;
    std::stop_source give_up;  ///< ends the retries
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
  /// Fails with conflict, type "offset-moved", if the history's offsets are not those that this reader
  /// stored.
  Result<void> check_stored();
  void take(const eventlog::Record& record);
  void drop(const std::vector<eventlog::PartitionRef>& partitions);
  [[nodiscard]] bool is_due() const;
  [[nodiscard]] eventlog::PollLimits limits() const;

  /// Starts to store the pending batch, if any, after awaiting the previous one. Fails if storing the
  /// previous one failed.
  Result<void> commit(const std::stop_token& stop);
  /// Like commit, but also awaits the batch that it starts to store.
  Result<void> commit_all(const std::stop_token& stop);
  void begin_storing(const std::stop_token& stop, history::RecordBatch batch);
  [[nodiscard]] bool is_storing() const;
  /// Awaits the batch that is being stored. After a failure, discard everything read since it began.
  Result<void> settle();
  /// Like settle, but does not wait for a database that cannot be written.
  Result<void> settle_soon();
  Result<void> give_back(const std::vector<eventlog::PartitionRef>& partitions);
  void forget_pending();
  Result<void> store(const std::stop_token& stop, history::RecordBatch& batch);
  Result<bool> was_stored(const std::stop_token& stop, const history::RecordBatch& batch);
  Result<void> store_halves(const std::stop_token& stop, history::RecordBatch& batch, const Error& refusal);
  void note_lag(bool ask_log = true);
  /// Queries the log. Returns nothing if the query fails.
  std::optional<std::int64_t> lag_now();

  const Options& options_;
  eventlog::EventLog& log_;
  history::HistoryWriter& history_;
  io::Clock& clock_;
  Board& board_;
  bool assigned_ = false;  ///< partitions are assigned to this reader
  Warning log_warning_;
  Warning history_warning_;  ///< used by the storing thread

  std::unique_ptr<eventlog::LogReader> reader_;
  std::map<eventlog::PartitionRef, Position> positions_;
  history::RecordBatch pending_;
  std::size_t pending_bytes_ = 0;
  std::chrono::steady_clock::time_point pending_since_;
  std::chrono::steady_clock::time_point checked_at_ = std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point lag_noted_at_;
  std::optional<Storing> storing_;  ///< last, because its thread uses the other members
};

/// Removes the later half of a batch of several events and returns it. Recording both halves in order equals
/// recording the whole batch.
history::RecordBatch split_off_half(history::RecordBatch& batch);

}  // namespace deltadrop::consume
