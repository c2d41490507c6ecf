#include "history/decisions.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/text.hpp"
#include "eventlog/checks.hpp"

namespace deltadrop::history {

bool same_upload(const UploadFacts& a, const UploadFacts& b) {
  return a.version == b.version && a.total == b.total && a.timestamp == b.timestamp &&
         a.effective_at == b.effective_at && a.previous_upload_id == b.previous_upload_id &&
         a.file_sha256 == b.file_sha256 && a.types_json == b.types_json && a.table == b.table &&
         // Events of older Deltadrop versions do not name an archive.
         (!a.archive_id || !b.archive_id || a.archive_id == b.archive_id);
}

DeadLetter refusal_of(const RecordBatch& batch, const LoggedEvent& logged, std::string_view why) {
  DeadLetter letter;
  letter.partition = logged.partition;
  letter.offset = logged.offset;
  for (const auto& advance : batch.advances) {
    if (advance.partition == logged.partition) letter.identity = advance.identity;
  }
  append_event_json(letter.payload, logged.event);
  letter.reason =
      fmt::format("the event of key {}, seq {} of upload {}, {}", quoted_for_message(logged.event.key_value),
                  logged.event.seq.value, logged.event.upload.upload_id.to_string(), why);
  return letter;
}

std::string blocked_by(const DeadLetter& letter) {
  return fmt::format(
      "the event at offset {} of {} was refused: {}; remove the reason, then run `deltadrop dead-letters "
      "retry "
      "{}` or `deltadrop republish {} {} --from-version {}`",
      letter.offset.value, eventlog::to_string(letter.partition), letter.reason,
      DeadLetterId{letter.identity.topic_id, letter.partition.partition, letter.offset}.to_string(),
      letter.upload->table.company_id, letter.upload->table.table_name, letter.upload->version.value);
}

Error still_refused(const DeadLetterId& id, std::string_view why) {
  return {ErrorCode::conflict, "still-refused",
          fmt::format("dead letter {} is refused again: {}", id.to_string(), why),
          "what was recorded first stands; see what sent the other event"};
}

Error offset_moved(const OffsetAdvance& advance) {
  return {ErrorCode::conflict, "offset-moved",
          fmt::format("partition {} is no longer at offset {} in the history",
                      eventlog::to_string(advance.partition),
                      advance.from ? std::to_string(advance.from->value) : "none"),
          "read the offsets again and go on from there"};
}

std::string forked(const UploadFacts& facts, Version rival_version, std::string_view rival_id) {
  return fmt::format(
      "the history of {} has forked: version {} of upload {} stands where version {} of upload {} already is "
      "(both follow {})",
      facts.table.to_string(), facts.version.value, facts.upload_id.to_string(), rival_version.value,
      rival_id, facts.previous_upload_id ? "upload " + facts.previous_upload_id->to_string() : "no upload");
}

std::string obstacle(const UploadStatus& upload) {
  if (upload.state == UploadState::blocked) return upload.error;
  if (upload.recorded < upload.facts.total) {
    return fmt::format("{} of its {} events are recorded", upload.recorded, upload.facts.total);
  }
  return "";
}

NothingToApply waiting(std::optional<UploadStatus> next) {
  NothingToApply nothing;
  if (!next) return nothing;
  const auto& previous = next->facts.previous_upload_id;
  nothing.waiting_for = previous
                            ? fmt::format("its predecessor, upload {}, is not applied", previous->to_string())
                            : std::string("another upload without predecessor is applied already");
  nothing.next = std::move(next);
  return nothing;
}

std::string out_of_order(const UploadStatus& upload, const UploadStatus& previous) {
  if (upload.facts.effective_at > previous.facts.effective_at) return "";
  return fmt::format("its values hold from {}, which is not later than {} of version {}",
                     upload.facts.effective_at.to_string(), previous.facts.effective_at.to_string(),
                     previous.facts.version.value);
}

std::string does_not_close(const std::optional<Misfit>& misfit, bool has_open_row) {
  if (!misfit) return "it updates or deletes one key twice";
  return fmt::format("its {} of key {} (seq {}) finds {}", misfit->event_type,
                     quoted_for_message(misfit->key_value), misfit->seq.value,
                     has_open_row ? "an open row that differs from its old_values" : "no open row");
}

std::string does_not_open(const std::optional<Misfit>& misfit) {
  if (!misfit) return "it opens one key twice";
  return fmt::format("its {} of key {} (seq {}) finds an open row of that key", misfit->event_type,
                     quoted_for_message(misfit->key_value), misfit->seq.value);
}

std::string conflict_text(const UploadFacts& facts, std::string_view why) {
  return fmt::format("version {} of {} (upload {}) does not fit the history: {}", facts.version.value,
                     facts.table.to_string(), facts.upload_id.to_string(), why);
}

Error wrong_count(const UploadFacts& facts, std::int64_t opened, std::int64_t expected) {
  return {
      ErrorCode::internal, "apply-count",
      fmt::format("upload {} opened {} rows instead of {}", facts.upload_id.to_string(), opened, expected),
      ""};
}

Error no_such_upload(const UploadId& upload) {
  return {ErrorCode::not_found, "no-such-upload",
          fmt::format("the history has no upload {}", upload.to_string()), ""};
}

Result<void> check_applied(const UploadId& id, const std::optional<UploadStatus>& stored) {
  if (!stored) return no_such_upload(id);
  if (stored->state == UploadState::applied) return success();
  return Error{ErrorCode::conflict, "not-applied", fmt::format("upload {} is not applied", id.to_string()),
               "apply it first"};
}

void EventSpans::add(const EventSpan& more) {
  auto& spans = spans_[more.type];
  if (!spans.empty()) {
    auto& last = spans.back();
    const EventSpan joined{more.type, last.first, more.last, last.events + more.events};
    const auto width = joined.last.value - joined.first.value + 1;
    if (width == joined.events || width <= kSpanSeqs) {
      last = joined;
      return;
    }
  }
  spans.push_back(more);
}

std::int64_t EventSpans::events(ChangeType type) const {
  const auto spans = spans_.find(type);
  std::int64_t events = 0;
  if (spans == spans_.end()) return events;
  for (const auto& span : spans->second) events += span.events;
  return events;
}

std::vector<EventSpan> EventSpans::all() const {
  std::vector<EventSpan> all;
  for (const auto& [type, spans] : spans_) all.insert(all.end(), spans.begin(), spans.end());
  return all;
}

bool matches(const EventQuery& query, const UploadStatus& upload) {
  return upload.state == UploadState::applied &&
         (!query.company_id || *query.company_id == upload.facts.table.company_id) &&
         (!query.table_name || *query.table_name == upload.facts.table.table_name) &&
         (!query.since || *query.since <= upload.facts.timestamp) &&
         (!query.until || upload.facts.timestamp < *query.until);
}

bool is_full(const EventQuery& query, const std::vector<AppliedEvent>& events) {
  if (static_cast<std::int64_t>(events.size()) >= query.limit) return true;
  if (!query.bytes_max) return false;
  std::size_t bytes = 0;
  for (const auto& [applied_no, event] : events) {
    bytes += event.old_values_json.size() + event.new_values_json.size();
  }
  return static_cast<std::int64_t>(bytes) >= *query.bytes_max;
}

Seq seq_after(const EventQuery& query, const UploadStatus& upload) {
  return query.after && query.after->applied_no == *upload.applied_no ? query.after->seq : Seq(0);
}

Result<std::vector<AppliedEvent>> events_by_upload(const EventQuery& query, const UploadsPage& page_from,
                                                   const AppendEvents& append) {
  std::vector<AppliedEvent> events;
  AppliedNo from = query.after ? query.after->applied_no : AppliedNo(1);
  while (true) {
    DD_TRY(const auto page, page_from(from));
    for (const auto& upload : page) {
      DD_TRY(append(upload, seq_after(query, upload), events));
      if (is_full(query, events)) return events;
    }
    if (static_cast<std::int64_t>(page.size()) < kUploadsPage) return events;
    from = page.back().applied_no->next();
  }
}

Result<std::vector<AppliedEvent>> events_by_span(const EventQuery& query, const SpansPage& page_from,
                                                 const AppendSpan& append) {
  std::vector<AppliedEvent> events;
  EventCursor after = query.after.value_or(EventCursor{AppliedNo(0), Seq(0)});
  while (true) {
    DD_TRY(const auto page, page_from(after));
    for (const auto& span : page) {
      const Seq before_span(span.first.value - 1);
      DD_TRY(append(span, std::max(seq_after(query, span.upload), before_span), events));
      if (is_full(query, events)) return events;
    }
    if (static_cast<std::int64_t>(page.size()) < kUploadsPage) return events;
    after = {*page.back().upload.applied_no, page.back().last};
  }
}

}  // namespace deltadrop::history
