#pragma once

#include <optional>
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
  struct Fed {
    bool any = false;              ///< an upload went in, so that its table may have another
    std::optional<Error> failure;  ///< the first of a table
  };
  /// One upload of each table. Fails where no table could be looked at.
  Result<Fed> feed_all(const std::stop_token& stop);

  const Options& options_;
  const LakeStep& lake_;
  history::HistoryStore& history_;
  Board& board_;
  bool checked_ = false;
  Warning warning_;
};

}  // namespace deltadrop::consume
