#pragma once

#include <stop_token>

#include "consume/board.hpp"
#include "consume/consumer.hpp"

namespace deltadrop::consume {

/// The third step: brings applied uploads into the lake, each table's in order. One thread.
class LakeFeeder {
 public:
  LakeFeeder(const Options& options, const LakeStep& lake, history::HistoryStore& history, Board& board);

  void run(const std::stop_token& stop);

 private:
  /// True when an upload went in, so that its table may have another.
  Result<bool> feed_all(const std::stop_token& stop);

  const Options& options_;
  const LakeStep& lake_;
  history::HistoryStore& history_;
  Board& board_;
  bool checked_ = false;
  Warning warning_;
};

}  // namespace deltadrop::consume
