#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <stop_token>
#include <vector>

#include "consume/board.hpp"
#include "consume/consumer.hpp"

namespace deltadrop::consume {

/// The second step: applies recorded uploads of all tables, and trims from the log what is applied. One
/// thread.
class Applier {
 public:
  Applier(const Options& options, eventlog::EventLog& log, history::HistoryStore& history, io::Clock& clock,
          Board& board);

  void run(const std::stop_token& stop);

 private:
  struct Waiting {
    UploadFacts upload;
    std::chrono::steady_clock::time_point since;
    std::string text;
    bool reported = false;
  };

  Result<void> apply_all(const std::stop_token& stop);
  Result<bool> apply_one(const TableRef& table);
  void wait_for(const TableRef& table, const history::NothingToApply& nothing);
  /// Waits because of an upload that the summary names as blocked or in conflict, with its repair.
  [[nodiscard]] bool is_behind_blocked(const UploadFacts& facts);
  void report_waiting(const std::vector<TableRef>& tables);
  /// `begun`: when this round began, as io::Clock::uptime.
  Result<void> trim(std::chrono::milliseconds begun);

  /// What was recorded at a time. The log's own times are those of a clock that may have jumped since.
  struct Recorded {
    std::chrono::milliseconds begun;  ///< io::Clock::uptime: as for `at`
    std::chrono::milliseconds at;     ///< moves while the mark is young
    std::vector<eventlog::StartPosition> positions;
  };

  const Options& options_;
  eventlog::EventLog& log_;
  history::HistoryStore& history_;
  io::Clock& clock_;
  Board& board_;
  Warning warning_;
  std::map<TableRef, Waiting> waiting_;
  std::deque<Recorded> recorded_;  ///< oldest first
};

}  // namespace deltadrop::consume
