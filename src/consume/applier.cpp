#include "consume/applier.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "core/text.hpp"
#include "history/conflicts.hpp"

namespace deltadrop::consume {
namespace {

constexpr std::chrono::milliseconds kLookAgain{1000};
/// After another process held a table: for most uploads, it holds the table for milliseconds.
constexpr std::chrono::milliseconds kLookSoonMin{5};
constexpr std::chrono::milliseconds kLookSoonMax{250};
/// The number of marks per retention period, and thus the resolution of the age of recorded messages.
constexpr int kMarksPerRetention = 60;
/// The latest time whose year has four digits.
constexpr Timestamp kAnyTime{253'402'300'799'999};

/// If waiting does not help, the error belongs to the table, so name it.
Error of_table(const TableRef& table, Error error) {
  if (is_passing(error)) return error;
  error.message = fmt::format("cannot apply the next upload of {}: {}", table.to_string(), error.message);
  if (error.fix.empty()) error.fix = "remove the cause in the database; Deltadrop retries by itself";
  return error;
}

bool is_complete(const std::optional<history::UploadStatus>& upload) {
  return upload && upload->state == history::UploadState::recorded && upload->recorded >= upload->facts.total;
}

}  // namespace

Applier::Applier(const Options& options, eventlog::EventLog& log, history::HistoryWriter& writer,
                 history::HistoryReader& reader, io::Clock& clock, Board& board, SteadyNow steady_now)
    : options_(options),
      log_(log),
      writer_(writer),
      reader_(reader),
      clock_(clock),
      board_(board),
      steady_now_(std::move(steady_now)) {}

void Applier::run(const std::stop_token& stop) {
  Backoff backoff(options_.retry_wait_min, options_.retry_wait_max);
  Backoff soon(kLookSoonMin, kLookSoonMax);
  while (!stop.stop_requested()) {
    const std::uint64_t seen = board_.progress();
    const auto begun = clock_.uptime();
    const auto held_up = apply_all(stop);
    auto done = held_up ? trim(begun) : Result<void>(held_up.error());
    if (!done && done.error().code != ErrorCode::shutting_down) {
      warning_.about("cannot apply recorded uploads now", done.error());
      board_.note([&](auto& notes) { notes.applying = done.error(); });
      board_.pause(stop, backoff.next());
      continue;
    }
    backoff.reset();
    warning_.over();
    board_.note([](auto& notes) { notes.applying.reset(); });
    const bool look_soon = done && held_up.value();
    if (!look_soon) soon.reset();
    board_.wait_progress(stop, seen, look_soon ? soon.next() : kLookAgain);
  }
}

/// Applies one upload per table and round, so that no table waits for another's backlog. If a table fails,
/// the others are still tried; the first failure is returned.
Result<bool> Applier::apply_all(const std::stop_token& stop) {
  std::optional<Error> failure;
  bool held_up = false;
  DD_TRY(const auto tables, writer_.tables_to_apply());
  std::vector<TableRef> left = tables;
  if (!left.empty()) {
    std::rotate(left.begin(), left.begin() + static_cast<std::ptrdiff_t>(first_ % left.size()), left.end());
  }
  while (!left.empty() && !stop.stop_requested()) {
    std::vector<TableRef> again;
    for (const auto& table : left) {
      if (stop.stop_requested()) break;
      const auto tried = apply_one(table);
      if (tried && tried.value() == Tried::applied) again.push_back(table);
      if (tried && tried.value() == Tried::held_up) held_up = true;
      // A conflict means that another process holds the table's lock and applies the upload.
      if (!tried && tried.error().code != ErrorCode::conflict && !failure)
        failure = of_table(table, tried.error());
    }
    left = std::move(again);
  }
  report_waiting(tables);
  if (failure) return *failure;
  return held_up;
}

Result<Applier::Tried> Applier::apply_one(const TableRef& table) {
  const auto begun = std::chrono::steady_clock::now();
  DD_TRY(const auto outcome, writer_.apply_next(table, clock_.now()));
  if (const auto* nothing = std::get_if<history::NothingToApply>(&outcome)) {
    wait_for(table, *nothing);
    return is_complete(nothing->next) ? Tried::held_up : Tried::nothing;
  }
  waiting_.erase(table);
  if (const auto* conflicted = std::get_if<history::Conflicted>(&outcome)) {
    spdlog::error("{}", history::conflict_line(conflicted->upload));
  } else {
    const auto& applied = std::get<history::Applied>(outcome);
    if (options_.observer != nullptr) {
      const auto lag = clock_.now().unix_ms - applied.upload.facts.timestamp.unix_ms;
      options_.observer->saw_step(Step::apply, std::chrono::steady_clock::now() - begun);
      options_.observer->saw_applied(std::chrono::milliseconds(lag));
    }
    spdlog::info("applied version {} of {}: {} opened, {} closed", applied.upload.facts.version.value,
                 table.to_string(), counted(applied.opened, "row"), applied.closed);
  }
  board_.progressed();
  return Tried::applied;
}

void Applier::wait_for(const TableRef& table, const history::NothingToApply& nothing) {
  if (!nothing.next) {
    waiting_.erase(table);
    return;
  }
  const UploadFacts& facts = nothing.next->facts;
  auto& waiting = waiting_[table];
  // Restart the wait for another upload, or if more events arrived: a large upload in progress is not stuck.
  if (waiting.upload.facts.upload_id != facts.upload_id ||
      waiting.upload.recorded != nothing.next->recorded) {
    waiting = {*nothing.next, steady_now_(), "", false};
  }
  waiting.text = fmt::format("version {} of {} (upload {}) waits: {}", facts.version.value, table.to_string(),
                             facts.upload_id.to_string(), nothing.waiting_for);
}

bool Applier::is_behind_blocked(const UploadFacts& facts) {
  const auto stuck = [&](const std::optional<UploadId>& id) {
    if (!id) return false;
    const auto found = reader_.upload(*id);
    return found && found.value() &&
           (found.value()->state == history::UploadState::blocked ||
            found.value()->state == history::UploadState::conflict);
  };
  return stuck(facts.upload_id) || stuck(facts.previous_upload_id);
}

void Applier::report_waiting(const std::vector<TableRef>& tables) {
  std::erase_if(waiting_, [&](const auto& each) {
    return std::find(tables.begin(), tables.end(), each.first) == tables.end();
  });
  std::vector<std::string> texts;
  for (auto& [table, waiting] : waiting_) {
    if (steady_now_() - waiting.since < options_.waiting_report_after) continue;
    if (is_behind_blocked(waiting.upload.facts)) continue;
    if (!waiting.reported) {
      spdlog::warn("{}; if its events are lost, `deltadrop republish {} {}` sends them again", waiting.text,
                   table.company_id, table.table_name);
    }
    waiting.reported = true;
    texts.push_back(waiting.text);
  }
  board_.note([&](auto& notes) { notes.waiting = std::move(texts); });
}

/// Trims only while no recorded upload waits, so that the log stays complete while an operator may need it.
Result<void> Applier::trim(std::chrono::milliseconds begun) {
  if (!log_.capabilities().trims) return success();
  const auto recorded = board_.notes().recorded;
  if (recorded.empty()) return success();
  DD_TRY(const auto summary, reader_.summary());
  if (summary.uploads_recorded > 0 || !summary.blocked.empty()) return success();
  const auto step = options_.log_retention / kMarksPerRetention;
  if (recorded_.empty() || begun - recorded_.back().begun >= step) recorded_.push_back({begun, begun, {}});
  recorded_.back().at = begun;
  recorded_.back().positions = recorded;
  while (!recorded_.empty() && begun - recorded_.front().at >= options_.log_retention) {
    for (const auto& position : recorded_.front().positions) {
      DD_TRY(log_.trim(position.partition, position.offset, kAnyTime));
    }
    recorded_.pop_front();
  }
  return success();
}

}  // namespace deltadrop::consume
