#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <stop_token>
#include <vector>

#include "consume/board.hpp"
#include "consume/consumer.hpp"

namespace deltadrop::consume {

/// The third step: brings applied uploads into the lake, each table's in order. One thread.
class LakeFeeder {
 public:
  LakeFeeder(const Options& options, const LakeStep& lake, history::HistoryReader& history, Board& board);

  void run(const std::stop_token& stop);

 private:
  using SteadyClock = std::chrono::steady_clock;

  /// A table whose next upload could not be written.
  struct Failing {
    Backoff backoff;
    SteadyClock::time_point not_before;  ///< it is not tried again before this
    Error error;
  };

  /// One upload of each table that is due; whether one went in, so that its table may have another. Fails
  /// where no table could be looked at.
  Result<bool> feed_all(const std::stop_token& stop);
  /// Another process, or an emptied history, can have done what a table failed at.
  void forget_all_but(const std::vector<history::UploadStatus>& uploads);
  void keep_for_later(const TableRef& table, const Error& error);
  [[nodiscard]] std::optional<Error> first_failure() const;
  /// How long there is nothing to do unless an upload is applied.
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
