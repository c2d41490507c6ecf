#include "consume/lake_feeder.hpp"

#include <spdlog/spdlog.h>

#include "io/priority.hpp"

namespace deltadrop::consume {
namespace {

constexpr std::chrono::milliseconds kLookAgain{1000};

}  // namespace

LakeFeeder::LakeFeeder(const Options& options, const LakeStep& lake, history::HistoryStore& history,
                       Board& board)
    : options_(options), lake_(lake), history_(history), board_(board) {}

void LakeFeeder::run(const std::stop_token& stop) {
  // Readers of files can wait a little; uploads and readers of the history should not wait for them.
  io::let_others_go_first();
  Backoff backoff(options_.retry_wait_min, options_.retry_wait_max);
  while (!stop.stop_requested()) {
    const std::uint64_t seen = board_.progress();
    const auto fed = feed_all(stop);
    const auto failure = fed ? fed.value().failure : std::optional(fed.error());
    board_.note([&](auto& notes) { notes.lake = failure; });
    if (failure) {
      warning_.about("the lake cannot be written now", *failure);
      // A table that fails does not slow the others down: while one of them goes on, there is no pause.
      if (!fed || !fed.value().any) board_.pause(stop, backoff.next());
      continue;
    }
    backoff.reset();
    warning_.over();
    if (!fed.value().any) board_.wait_progress(stop, seen, kLookAgain);
  }
}

Result<LakeFeeder::Fed> LakeFeeder::feed_all(const std::stop_token& stop) {
  if (options_.lake_check && !checked_) {
    DD_TRY(options_.lake_check());
    checked_ = true;
  }
  Fed fed;
  DD_TRY(const auto uploads, history_.uploads_for_lake());
  for (const auto& upload : uploads) {
    if (stop.stop_requested()) break;
    StepTimer writing(options_.observer, Step::lake);
    const auto written = lake_(upload);
    writing.stop();
    if (!written) {
      if (!fed.failure) fed.failure = written.error();
      continue;
    }
    if (!written.value()) continue;
    fed.any = true;
    board_.progressed();
  }
  return fed;
}

}  // namespace deltadrop::consume
