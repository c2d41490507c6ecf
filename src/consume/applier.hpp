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

/// The second step: applies recorded uploads of all tables, and trims from the log what is applied. One
/// thread.
class Applier {
 public:
  /// What waiting is measured by.
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
    held_up,  ///< an upload is all there, but another process holds the table, or its predecessor is missing
  };
  /// Whether a table was held up: who holds it may have looked before all of the upload was there.
  Result<bool> apply_all(const std::stop_token& stop);
  Result<Tried> apply_one(const TableRef& table);
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
  history::HistoryWriter& writer_;
  history::HistoryReader& reader_;
  io::Clock& clock_;
  Board& board_;
  SteadyNow steady_now_;
  Warning warning_;
  std::map<TableRef, Waiting> waiting_;
  const std::size_t first_ = std::random_device{}();  ///< of the tables, so that processes begin apart
  std::deque<Recorded> recorded_;                     ///< oldest first
};

}  // namespace deltadrop::consume
