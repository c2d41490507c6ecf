#include "status/checkup.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <string_view>
#include <utility>

#include "core/text.hpp"

namespace deltadrop::status {
namespace {

constexpr std::chrono::milliseconds kLogProbe{2000};
/// The probe timeout, so that /health and /metrics answer within a second.
constexpr std::chrono::milliseconds kPatience{900};
/// The maximum age of an earlier result that replaces a late one.
constexpr std::chrono::seconds kAgeMax{5};

std::optional<Error> no_answer(std::string_view whose) {
  return Error{ErrorCode::timed_out, "no-answer", fmt::format("{} has not answered a probe in time", whose),
               "see whether it is frozen or overloaded"};
}

template <class T>
std::optional<Error> error_of(const Result<T>& result) {
  return result.has_error() ? std::optional(result.error()) : std::nullopt;
}

std::optional<std::int64_t> pending_of(const Checkup& found) {
  if (!found.summary) return std::nullopt;
  if (!found.takes_uploads) return found.summary->uploads_recorded;
  if (!found.unapplied || !found.ingest) return std::nullopt;
  return std::max(found.ingest->accepted_unpublished + found.summary->uploads_recorded,
                  found.unapplied->versions);
}

std::string no_consumer(std::int64_t pending) {
  return fmt::format(
      "no consumer seems to run; for a minute nothing was recorded or applied, and {} {}: start `deltadrop "
      "consume`, or see in its log why it does not get on",
      counted(pending, "upload"), pending == 1 ? "waits" : "wait");
}

std::string not_in_lake(const history::UploadStatus& upload) {
  return fmt::format(
      "lake: version {} of {} (upload {}) is applied and has not come into the lake for a minute; see the "
      "log of `deltadrop consume`, and space and rights of PARQUET_DIR",
      upload.facts.version.value, upload.facts.table.to_string(), upload.facts.upload_id.to_string());
}

}  // namespace

Examiner::Examiner(const Examined& parts)
    : parts_(parts),
      uploads_probe_(kPatience, kAgeMax),
      log_probe_(kPatience, kAgeMax),
      history_probe_(kPatience, kAgeMax) {
  if (parts.ingest == nullptr) return;
  uploads_.reset(new Uploads{UploadsProbe(parts.ingest->reader(), parts.ingest->intake(), parts.clock),
                             UnappliedWatch(parts.ingest->reader(), parts.history, parts.clock)});
}

Checkup Examiner::examine() {
  // The probes run in parallel: the total wait is that of the slowest.
  const auto uploads = uploads_ ? uploads_probe_.ask([this] { return look_at_uploads(); }) : 0;
  const auto log = log_probe_.ask([this] { return look_at_log(); });
  const auto history = history_probe_.ask([this] { return look_at_history(); });
  Checkup found;
  found.takes_uploads = uploads_ != nullptr;
  if (uploads_) {
    auto seen = uploads_probe_.look(uploads).answer.value_or(UploadsSeen{no_answer("DATA_DIR's disk"), {}});
    found.uploads = std::move(seen.uploads);
    found.ingest = std::move(seen.ingest);
  }
  look_at_clock(found);
  found.log = log_probe_.look(log).answer.value_or(no_answer("the log"));
  if (!found.log && found.ingest) found.log = found.ingest->log;
  auto seen = history_probe_.look(history).answer.value_or(
      HistorySeen{no_answer("the database"), {}, {}, {}, {}, {}});
  found.database = std::move(seen.database);
  found.summary = std::move(seen.summary);
  found.last_applied = seen.last_applied;
  found.oldest_not_in_lake = std::move(seen.oldest_not_in_lake);
  if (!found.uploads) found.unapplied = std::move(seen.unapplied);
  add_consumer(found, std::move(seen.consumer));
  if (parts_.more_troubles) found.more_troubles = parts_.more_troubles();
  found.pending = pending_of(found);
  found.at = parts_.clock.now();
  look_for_standstill(found);
  return found;
}

Examiner::UploadsSeen Examiner::look_at_uploads() {
  UploadsSeen seen;
  seen.uploads = error_of(uploads_->probe.look());
  if (seen.uploads) {
    // The catalog may still answer if only the spool fails.
    ingest::UploadFilter newest;
    newest.limit = 1;
    if (parts_.ingest->reader().uploads(newest).has_error()) return seen;
  }
  seen.ingest = parts_.ingest->health();
  if (seen.ingest->data_dir) seen.uploads = seen.ingest->data_dir;
  return seen;
}

Examiner::LogSeen Examiner::look_at_log() { return error_of(parts_.log.health(kLogProbe)); }

Examiner::HistorySeen Examiner::look_at_history() {
  HistorySeen seen;
  if (parts_.consumer != nullptr) seen.consumer = parts_.consumer->health();
  seen.database = error_of(parts_.history.health());
  if (!seen.database) {
    auto summary = parts_.history.summary();
    const auto last = parts_.history.last_applied();
    seen.database = error_of(summary);
    if (summary.has_value() && last.has_value()) {
      seen.last_applied = last.value();
      seen.summary = std::move(summary).value();
    }
  }
  if (seen.summary && seen.summary->uploads_not_in_lake > 0) {
    auto waiting = parts_.history.uploads_for_lake();
    if (waiting.has_value() && !waiting.value().empty()) {
      seen.oldest_not_in_lake = std::move(waiting.value().front());
    }
  }
  if (!uploads_) return seen;
  if (seen.database) uploads_->unapplied.forget();
  if (!seen.summary) return seen;
  auto unapplied = uploads_->unapplied.look(seen.summary->blocked);
  if (unapplied.has_value()) seen.unapplied = std::move(unapplied).value();
  return seen;
}

/// Adds the consumer's health. If the history does not answer, only a stopped consumer is known.
void Examiner::add_consumer(Checkup& found, std::optional<consume::Health> seen) {
  if (parts_.consumer == nullptr) return;
  found.consumer = std::move(seen).value_or(consume::Health{});
  found.consumer->stopped = parts_.consumer->stopped();
  // A database that answers may still reject writes, for example without rights or if it is read-only.
  auto& written = found.consumer->history;
  if (!found.database && written && written->code == ErrorCode::unavailable) {
    found.database = std::exchange(written, std::nullopt);
  }
}

void Examiner::look_at_clock(Checkup& found) {
  if (found.ingest) {
    found.clock = found.ingest->clock;
  } else if (parts_.clock_watch != nullptr) {
    found.clock = parts_.clock_watch->look();
    if (found.clock.trouble) {
      found.clock.trouble->fix = "set the clock right; if it is right as it is, start this consumer again";
    }
  }
}

void Examiner::look_for_standstill(Checkup& found) {
  const std::lock_guard lock(mutex_);
  // Uptime is used because a jump of the clock must neither cause nor hide a standstill.
  const Timestamp measured{parts_.clock.uptime().count()};
  std::optional<std::string> consumed;
  std::optional<std::string> in_lake;
  if (found.summary && found.pending != 0) {
    consumed = fmt::format("{}/{}/{}", found.last_applied->value, found.summary->uploads_recorded,
                           found.unapplied ? found.unapplied->late_recorded : 0);
  }
  if (found.oldest_not_in_lake) in_lake = found.oldest_not_in_lake->facts.upload_id.to_string();
  const bool nothing_consumed = consuming_.look(std::move(consumed), measured);
  const bool lake_stands = lake_.look(std::move(in_lake), measured);
  if (lake_stands) found.stalled.push_back(not_in_lake(*found.oldest_not_in_lake));
  if (found.consumer) {
    found.consumer_up = !found.consumer->stopped;
    if (found.summary || found.consumer->lake) found.lake_up = !found.consumer->lake && !lake_stands;
    return;
  }
  if (found.summary) found.lake_up = !lake_stands;
  // While Kafka or the database is down, no consumer can work.
  if (found.log || !found.unapplied || !found.pending) return;
  const bool missing = nothing_consumed && !found.unapplied->troubles.empty();
  found.consumer_up = !missing;
  if (missing) found.stalled.insert(found.stalled.begin(), no_consumer(*found.pending));
}

Result<void> Examiner::takes_work() {
  const auto as_result = [](const std::optional<Error>& error) -> Result<void> {
    if (error) return *error;
    return success();
  };
  if (uploads_) {
    const auto seen = uploads_probe_.look([this] { return look_at_uploads(); });
    return as_result(seen.answer ? seen.answer->uploads : no_answer("DATA_DIR's disk"));
  }
  if (const auto stopped = parts_.consumer->stopped()) return *stopped;
  const auto log = log_probe_.ask([this] { return look_at_log(); });
  const auto history = history_probe_.ask([this] { return look_at_history(); });
  DD_TRY(as_result(log_probe_.look(log).answer.value_or(no_answer("the log"))));
  const auto seen = history_probe_.look(history);
  return as_result(seen.answer ? seen.answer->database : no_answer("the database"));
}

std::vector<std::string> troubles_of(const Checkup& found) {
  std::vector<std::string> texts;
  const auto add = [&texts](std::string_view what, const std::optional<Error>& error) {
    if (error) texts.push_back(fmt::format("{}: {}", what, error->text()));
  };
  add("uploads", found.uploads);
  const bool said = found.uploads && found.clock.trouble && found.uploads->type == found.clock.trouble->type;
  if (!said) add("clock", found.clock.trouble);
  add("log", found.log);
  add("database", found.database);
  if (found.ingest && !found.ingest->damaged.empty()) {
    const auto& damaged = found.ingest->damaged;
    texts.push_back(fmt::format("archive: {}; {} ({} in all: see damaged)", damaged.front().what,
                                damaged.front().fix, counted(damaged.size(), "damaged file")));
  }
  if (found.consumer) {
    add("consumer", found.consumer->stopped);
    add("consumer reading the log", found.consumer->log);
    add("consumer writing the history", found.consumer->history);
    add("lake", found.consumer->lake);
    texts.insert(texts.end(), found.consumer->waiting.begin(), found.consumer->waiting.end());
  }
  texts.insert(texts.end(), found.stalled.begin(), found.stalled.end());
  if (found.unapplied) {
    texts.insert(texts.end(), found.unapplied->troubles.begin(), found.unapplied->troubles.end());
  }
  texts.insert(texts.end(), found.more_troubles.begin(), found.more_troubles.end());
  return texts;
}

}  // namespace deltadrop::status
