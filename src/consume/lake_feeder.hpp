#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <stop_token>
#include <vector>

#include "consume/board.hpp"
#include "consume/consumer.hpp"

namespace deltadrop::consume {

/// The third step: writes applied uploads to the lake, in order within each table. Runs on one thread.
class LakeFeeder {
 public:
  LakeFeeder(const Options& options, const LakeStep& lake, history::HistoryReader& history, Board& board);

  void run(const std::stop_token& stop);

 private:
  using SteadyClock = std::chrono::steady_clock;

  /// A table whose next upload could not be written.
  struct Failing {
    Backoff backoff;
    SteadyClock::time_point not_before;  ///< do not retry earlier
    Error error;
  };

  /// Writes one upload of each table that is due. Returns whether it wrote one. If so, call it again: that
  /// table may have another. Fails if no table could be examined.
  Result<bool> feed_all(const std::stop_token& stop);
  /// Forgets failures of uploads that are no longer due: another process wrote them, or the history was
  /// emptied.
  void forget_all_but(const std::vector<history::UploadStatus>& uploads);
  void keep_for_later(const TableRef& table, const Error& error);
  [[nodiscard]] std::optional<Error> first_failure() const;
  /// The time until the next retry. An applied upload ends the wait earlier.
  [[nodiscard]] std::chrono::milliseconds until_next_try() const;
  void say(const std::optional<Error>& failure);

  const Options& options_;
  const LakeStep& lake_;
  history::HistoryReader& history_;
  Board& board_;
  bool checked_ = false;
  std::map<TableRef, Failing> failing_;
  Warning warning_;
};

}  // namespace deltadrop::consume
