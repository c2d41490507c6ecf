#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <random>
#include <stop_token>
#include <vector>

#include "consume/board.hpp"
#include "consume/consumer.hpp"

namespace deltadrop::consume {

/// The second step: applies recorded uploads of all tables and trims applied messages from the log. Runs on
/// one thread.
class Applier {
 public:
  /// The clock that measures how long an upload waits.
  using SteadyNow = std::function<std::chrono::steady_clock::time_point()>;

  Applier(const Options& options, eventlog::EventLog& log, history::HistoryWriter& writer,
          history::HistoryReader& reader, io::Clock& clock, Board& board,
          SteadyNow steady_now = std::chrono::steady_clock::now);

  void run(const std::stop_token& stop);

 private:
  struct Waiting {
    history::UploadStatus upload;
    std::chrono::steady_clock::time_point since;
    std::string text;
    bool reported = false;
  };

  enum class Tried : std::uint8_t {
    nothing,  ///< there is nothing to apply now
    applied,  ///< there may be more
    held_up,  ///< the upload is complete, but its table is locked or its predecessor is missing
  };
  /// Returns whether a table was held up: its holder may have looked before the upload was complete.
  Result<bool> apply_all(const std::stop_token& stop);
  Result<Tried> apply_one(const TableRef& table);
  void wait_for(const TableRef& table, const history::NothingToApply& nothing);
  /// Returns whether the upload or its predecessor is blocked or in conflict, which the summary already
  /// reports.
  [[nodiscard]] bool is_behind_blocked(const UploadFacts& facts);
  void report_waiting(const std::vector<TableRef>& tables);
  /// `begun` is the io::Clock::uptime at which this round began.
  Result<void> trim(std::chrono::milliseconds begun);

  /// The positions recorded by a time. The log's own times are unusable because the wall clock may have
  /// jumped.
  struct Recorded {
    std::chrono::milliseconds begun;  ///< io::Clock::uptime, as is `at`
    std::chrono::milliseconds at;     ///< moves while the mark is new
    std::vector<eventlog::StartPosition> positions;
  };

  const Options& options_;
  eventlog::EventLog& log_;
  history::HistoryWriter& writer_;
  history::HistoryReader& reader_;
  io::Clock& clock_;
  Board& board_;
  SteadyNow steady_now_;
  Warning warning_;
  std::map<TableRef, Waiting> waiting_;
  const std::size_t first_ = std::random_device{}();  ///< the first table, different for each process
  std::deque<Recorded> recorded_;                     ///< oldest first
};

}  // namespace deltadrop::consume
