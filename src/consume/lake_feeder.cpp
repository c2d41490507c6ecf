#include "consume/lake_feeder.hpp"

#include <algorithm>
#include <utility>

#include "io/priority.hpp"

namespace deltadrop::consume {
namespace {

constexpr std::chrono::milliseconds kLookAgain{1000};

}  // namespace

LakeFeeder::LakeFeeder(const Options& options, const LakeStep& lake, history::HistoryReader& history,
                       Board& board)
    : options_(options), lake_(lake), history_(history), board_(board) {}

void LakeFeeder::run(const std::stop_token& stop) {
  // Readers of the lake can wait a little. Uploads and readers of the history should not wait for the lake.
  io::let_others_go_first();
  Backoff backoff(options_.retry_wait_min, options_.retry_wait_max);
  while (!stop.stop_requested()) {
    const std::uint64_t seen = board_.progress();
    const auto any = feed_all(stop);
    say(any ? first_failure() : std::optional(any.error()));
    if (!any) {
      board_.pause(stop, backoff.next());
      continue;
    }
    backoff.reset();
    // A failing table does not delay the others: a newly applied upload ends this wait.
    if (!any.value()) board_.wait_progress(stop, seen, until_next_try());
  }
}

Result<bool> LakeFeeder::feed_all(const std::stop_token& stop) {
  if (options_.lake_check && !checked_) {
    DD_TRY(options_.lake_check());
    checked_ = true;
  }
  DD_TRY(const auto uploads, history_.uploads_for_lake());
  forget_all_but(uploads);
  bool any = false;
  for (const auto& upload : uploads) {
    if (stop.stop_requested()) break;
    const auto failing = failing_.find(upload.facts.table);
    if (failing != failing_.end() && SteadyClock::now() < failing->second.not_before) continue;
    StepTimer writing(options_.observer, Step::lake);
    const auto written = lake_(upload);
    writing.stop();
    if (!written) {
      keep_for_later(upload.facts.table, written.error());
      continue;
    }
    failing_.erase(upload.facts.table);
    if (!written.value()) continue;
    any = true;
    board_.progressed();
  }
  return any;
}

void LakeFeeder::forget_all_but(const std::vector<history::UploadStatus>& uploads) {
  std::map<TableRef, Failing> kept;
  for (const auto& upload : uploads) kept.insert(failing_.extract(upload.facts.table));
  failing_ = std::move(kept);
}

void LakeFeeder::keep_for_later(const TableRef& table, const Error& error) {
  const Backoff fresh(options_.retry_wait_min, options_.retry_wait_max);
  auto& failing = failing_.try_emplace(table, Failing{fresh, {}, error}).first->second;
  failing.error = error;
  failing.not_before = SteadyClock::now() + failing.backoff.next();
}

std::optional<Error> LakeFeeder::first_failure() const {
  if (failing_.empty()) return std::nullopt;
  return failing_.begin()->second.error;
}

std::chrono::milliseconds LakeFeeder::until_next_try() const {
  auto wait = kLookAgain;
  const auto now = SteadyClock::now();
  for (const auto& [table, failing] : failing_) {
    wait = std::min(wait, std::chrono::ceil<std::chrono::milliseconds>(failing.not_before - now));
  }
  return std::max(wait, std::chrono::milliseconds(0));
}

void LakeFeeder::say(const std::optional<Error>& failure) {
  board_.note([&](auto& notes) { notes.lake = failure; });
  if (failure) {
    warning_.about("the lake cannot be written now", *failure);
  } else {
    warning_.over();
  }
}

}  // namespace deltadrop::consume
