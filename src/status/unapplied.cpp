#include "status/unapplied.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "status/progress.hpp"

namespace deltadrop::status {
namespace {

constexpr std::int64_t kAppliedWithinMs = 60'000;
/// The minimum interval between two lookups of late versions.
constexpr std::int64_t kLateEveryMs = 1'000;
/// The number of late versions whose recorded events are counted.
constexpr std::size_t kLateCounted = 20;
/// The number of tables that each call checks again.
constexpr std::int64_t kPatrolTables = 4;

bool is_among(const std::vector<history::UploadStatus>& blocked, const UploadId& id) {
  return std::any_of(blocked.begin(), blocked.end(),
                     [&](const auto& each) { return each.facts.upload_id == id; });
}

std::string trouble_of(const ingest::UploadRecord& upload) {
  return fmt::format(
      "version {0} of {1} (upload {2}) was published at {3} and is not applied; if it stays so, the log or "
      "the history lost it: run `deltadrop republish {4} {5} --from-version {0}`",
      upload.version->value, upload.table.to_string(), upload.upload_id.to_string(),
      upload.times.published_at->to_string(), upload.table.company_id, upload.table.table_name);
}

}  // namespace

Result<Unapplied> UnappliedWatch::look(const std::vector<history::UploadStatus>& blocked) {
  const std::lock_guard lock(mutex_);
  const auto now = clock_.now();
  auto updated = update();
  if (updated.has_value()) updated = find_late(now);
  if (updated.has_error()) {
    complete_ = false;
    return updated.error();
  }
  Unapplied found;
  for (const auto& [ref, table] : waiting_) {
    found.versions += table.last.version->value - table.first.version->value + 1;
  }
  for (const auto& upload : late_) {
    if (!is_among(blocked, upload.upload_id)) found.troubles.push_back(trouble_of(upload));
  }
  found.late_recorded = late_recorded_;
  return found;
}

void UnappliedWatch::forget() {
  const std::lock_guard lock(mutex_);
  complete_ = false;
}

/// Updates the waiting tables. Reads the counters first, so that the next call sees concurrent changes again.
Result<void> UnappliedWatch::update() {
  DD_TRY(const auto applied, history_.last_applied());
  const bool all = !complete_ || applied < seen_applied_;
  const bool moved = all || applied != seen_applied_;
  complete_ = false;
  if (all) {
    waiting_.clear();
    late_at_.reset();
  }
  DD_TRY(auto lasts, last_versions_to_ask(all));
  if (moved) {
    std::set<TableRef> asked;
    for (const auto& last : lasts) asked.insert(last.table);
    for (const auto& [ref, table] : waiting_) {
      if (!asked.contains(ref)) lasts.push_back(table.last);
    }
  }
  DD_TRY(sort_out(std::move(lasts), moved));
  seen_applied_ = applied;
  complete_ = true;
  return success();
}

Result<std::vector<ingest::UploadRecord>> UnappliedWatch::last_versions_to_ask(bool all) {
  std::vector<ingest::UploadRecord> lasts;
  const auto accepted = uploads_.accepted_since(seen_accepted_);
  if (all) {
    DD_TRY(auto tables, uploads_.tables());
    for (auto& table : tables) lasts.push_back(std::move(table.last));
  } else {
    for (const auto& ref : accepted.tables) {
      DD_TRY(auto table, uploads_.table(ref));
      if (table) lasts.push_back(std::move(table->last));
    }
    DD_TRY(add_patrol(lasts));
  }
  seen_accepted_ = accepted.next;
  return lasts;
}

/// Adds a few tables to check again. A restored history that has since applied as many uploads has losses
/// that the counters do not show. For a waiting table, the search for the first unapplied version starts
/// again.
Result<void> UnappliedWatch::add_patrol(std::vector<ingest::UploadRecord>& lasts) {
  DD_TRY(auto tables, uploads_.tables({patrolled_, kPatrolTables}));
  patrolled_.reset();
  if (std::ssize(tables) == kPatrolTables) patrolled_ = tables.back().table;
  for (auto& table : tables) {
    auto last =
        std::find_if(lasts.begin(), lasts.end(), [&](const auto& each) { return each.table == table.table; });
    if (last == lasts.end()) last = lasts.insert(lasts.end(), std::move(table.last));
    const auto known = waiting_.find(last->table);
    if (known == waiting_.end()) continue;
    known->second.first = *last;
    known->second.applied = 0;
  }
  return success();
}

/// Decides for each table's last version whether the table waits. If `moved`, uploads were applied, so the
/// first unapplied version of a table may be applied now.
Result<void> UnappliedWatch::sort_out(std::vector<ingest::UploadRecord> lasts, bool moved) {
  if (lasts.empty()) return success();
  std::vector<const ingest::UploadRecord*> versions;
  versions.reserve(lasts.size());
  for (const auto& last : lasts) versions.push_back(&last);
  DD_TRY(const auto applied, are_applied(versions));
  std::vector<Waiting*> waiting;
  for (std::size_t i = 0; i < lasts.size(); ++i) {
    if (applied[i]) {
      if (waiting_.erase(lasts[i].table) > 0) late_at_.reset();
      continue;
    }
    const auto [at, is_new] = waiting_.try_emplace(lasts[i].table);
    auto& table = at->second;
    if (is_new || moved) table.first = lasts[i];
    table.last = std::move(lasts[i]);
    waiting.push_back(&table);
  }
  return find_first(waiting);
}

/// Finds the first unapplied version of each table. The binary searches run together, so the number of
/// queries is that of the longest search.
Result<void> UnappliedWatch::find_first(const std::vector<Waiting*>& tables) {
  while (true) {
    std::vector<Waiting*> open;
    std::vector<ingest::UploadRecord> middles;
    for (auto* table : tables) {
      if (table->found()) continue;
      DD_TRY(auto middle, ingest::version_of(uploads_, table->first.table, table->middle()));
      open.push_back(table);
      middles.push_back(std::move(middle));
    }
    if (open.empty()) return success();
    std::vector<const ingest::UploadRecord*> versions;
    for (const auto& middle : middles) versions.push_back(&middle);
    DD_TRY(const auto applied, are_applied(versions));
    for (std::size_t i = 0; i < open.size(); ++i) {
      if (applied[i]) {
        open[i]->applied = middles[i].version->value;
      } else {
        open[i]->first = std::move(middles[i]);
      }
    }
  }
}

/// Returns whether each version is applied, with one query to the history for all.
Result<std::vector<bool>> UnappliedWatch::are_applied(
    const std::vector<const ingest::UploadRecord*>& versions) {
  std::set<UploadId> asked;
  for (const auto* version : versions) {
    if (const auto id = event_upload_id(*version)) asked.insert(*id);
  }
  std::set<UploadId> applied;
  if (!asked.empty()) {
    DD_TRY(applied, history_.applied_among(asked));
  }
  std::vector<bool> answers;
  answers.reserve(versions.size());
  for (const auto* version : versions) {
    const auto id = event_upload_id(*version);
    answers.push_back(!id || applied.contains(*id));
  }
  return answers;
}

/// Finds the versions that were published too long ago. Reads the publication time again, because a version
/// may be republished, but not for recently accepted versions. Runs early only if a table's first unapplied
/// version has changed.
Result<void> UnappliedWatch::find_late(Timestamp now) {
  const bool same = std::all_of(waiting_.begin(), waiting_.end(), [](const auto& each) {
    return each.second.looked_up == each.second.first.upload_id;
  });
  if (same && late_at_ && std::abs(now.unix_ms - late_at_->unix_ms) < kLateEveryMs) return success();
  late_.clear();
  for (auto& [ref, table] : waiting_) {
    table.looked_up = table.first.upload_id;
    const auto& accepted = table.first.times.timestamp;
    if (accepted && now.unix_ms - accepted->unix_ms < kAppliedWithinMs) continue;
    DD_TRY(auto upload, uploads_.upload(table.first.upload_id));
    if (!upload || !upload->times.published_at) continue;
    if (now.unix_ms - upload->times.published_at->unix_ms >= kAppliedWithinMs)
      late_.push_back(std::move(*upload));
  }
  late_at_ = now;
  return count_late();
}

/// Counts the recorded events of late versions. This number changes while a consumer works through a few
/// large uploads.
Result<void> UnappliedWatch::count_late() {
  late_recorded_ = 0;
  for (std::size_t i = 0; i < std::min(late_.size(), kLateCounted); ++i) {
    DD_TRY(const auto status, history_.upload(late_[i].upload_id));
    if (status) late_recorded_ += status->recorded;
  }
  return success();
}

}  // namespace deltadrop::status
