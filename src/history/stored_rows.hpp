#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "core/values_json.hpp"
#include "history/decisions.hpp"
#include "history/history_store.hpp"

/// Converts rows of the tables to the port's values, for every adapter. A Row returns its columns one by one,
/// in the order of the SELECT list: text, number, boolean, optional_text, optional_number; json (compact
/// text, "" for NULL), bytes, time and optional_time (Results). Do not read two columns in the arguments of
/// one call, whose evaluation order is unspecified; within braces it is defined.
namespace deltadrop::history {

/// Turns any error in parsing a value that Deltadrop wrote into `corrupt`.
template <class T>
Result<T> as_stored(Result<T> parsed) {
  if (parsed) return parsed;
  return Error{ErrorCode::corrupt, "bad-row", "a stored value is damaged: " + parsed.error().message,
               "restore the history from a backup; or keep it as it is, and fill another, empty one from the "
               "archive with `deltadrop republish`"};
}

Error damaged(std::string_view what);
Result<UploadState> parse_state(std::string_view text);

/// "SELECT <columns of an UploadStatus> FROM uploads u <rest>"
std::string select_uploads(std::string_view rest);
/// "SELECT <columns of an UploadStatus>, s.first_seq, s.last_seq FROM <from> <rest>". `from` must contain
/// event_spans s and uploads u.
std::string select_spans(std::string_view from, std::string_view rest);

/// Selects the tables with an upload that is not in conflict and the owner of each, by archive and name.
inline constexpr std::string_view kSelectTablesByArchive =
    "SELECT o.archive_id, t.company_id, t.table_name FROM (SELECT DISTINCT company_id, table_name FROM "
    "uploads "
    "WHERE state <> 'conflict') t LEFT JOIN table_owners o ON o.company_id = t.company_id AND o.table_name = "
    "t.table_name ORDER BY o.archive_id, t.company_id, t.table_name";

/// Sorts by version, then by id.
void sort_by_version(std::vector<UploadStatus>& uploads);

/// Columns of cdc_events e that read_event reads.
inline constexpr std::string_view kEventColumns =
    "e.seq, e.event_id, e.event_type, e.key_column, e.key_value, e.old_values, e.new_values, "
    "e.changed_columns, e.file_id, e.line";

/// Columns of company_data d and uploads u that record_of reads.
inline constexpr std::string_view kRecordColumns =
    "d.record_key, d.data, d.valid_from, d.valid_to, u.version, d.upload_id";

/// Columns of dead_letters that dead_letter_of reads.
inline constexpr std::string_view kDeadLetterColumns =
    "topic, partition, log_offset, topic_id, payload, reason, upload_id, recorded_at, resolved_at";

template <class Id, class Row>
Result<std::optional<Id>> optional_id(Row& row) {
  const auto text = row.optional_text();
  if (!text) return std::optional<Id>();
  DD_TRY(const auto id, as_stored(Id::parse(*text)));
  return std::optional(id);
}

template <class Row>
Result<TableRef> table_of(Row&& row) {
  const std::string company_id(row.text());
  return as_stored(TableRef::make(company_id, row.text()));
}

/// Reads a row of select_uploads or select_spans.
template <class Row>
Result<UploadStatus> upload_of(Row&& row) {
  UploadStatus upload;
  UploadFacts& facts = upload.facts;
  DD_TRY(facts.upload_id, as_stored(UploadId::parse(row.text())));
  DD_TRY(facts.table, table_of(row));
  facts.version = Version(row.number());
  DD_TRY(facts.previous_upload_id, optional_id<UploadId>(row));
  DD_TRY(facts.file_sha256, as_stored(Sha256::parse(row.text())));
  facts.file_id = file_id_of(facts.table.company_id, facts.file_sha256);
  facts.types_json = row.optional_text();
  facts.total = row.number();
  DD_TRY(upload.state, parse_state(row.text()));
  DD_TRY(facts.timestamp, as_stored(row.time()));
  DD_TRY(facts.effective_at, as_stored(row.time()));
  if (const auto applied_no = row.optional_number()) upload.applied_no = AppliedNo(*applied_no);
  DD_TRY(upload.applied_at, as_stored(row.optional_time()));
  DD_TRY(upload.in_lake_at, as_stored(row.optional_time()));
  upload.error = row.text();
  upload.recorded = row.number();
  DD_TRY(facts.archive_id, optional_id<ArchiveId>(row));
  DD_TRY(upload.set_aside_at, as_stored(row.optional_time()));
  return upload;
}

/// Reads a row of select_spans.
template <class Row>
Result<StoredSpan> span_of(Row&& row) {
  DD_TRY(auto upload, upload_of(row));
  return StoredSpan{std::move(upload), Seq(row.number()), Seq(row.number())};
}

/// Reads kEventColumns into `event`: everything except what it shares with its upload. Reuses the memory of
/// the previous values.
template <class Row>
Result<void> read_event(Row&& row, Event& event) {
  event.seq = Seq(row.number());
  DD_TRY(event.event_id, as_stored(EventId::parse(row.text())));
  const auto type = parse_change_type(row.text());
  event.key_column = row.text();
  event.key_value = row.text();
  event.old_values_json = row.json();
  event.new_values_json = row.json();
  auto changed = parse_texts_json(row.text());
  if (!type || !changed) return damaged("an event of upload " + event.upload.upload_id.to_string());
  event.type = *type;
  event.changed_columns = std::move(*changed);
  event.upload.file_id = row.text();
  event.line = Line(row.number());
  return success();
}

/// Reads event_type, key_value and seq.
template <class Row>
Misfit misfit_of(Row&& row) {
  return {std::string(row.text()), std::string(row.text()), Seq(row.number())};
}

/// Reads kEventColumns.
template <class Row>
Result<Event> event_of(Row&& row, const UploadFacts& upload) {
  Event event;
  event.upload = upload;
  DD_TRY(read_event(row, event));
  return event;
}

/// Reads kRecordColumns.
template <class Row>
Result<StoredRecord> record_of(Row&& row) {
  StoredRecord record;
  record.key = row.text();
  record.data_json = row.json();
  DD_TRY(record.valid_from, as_stored(row.time()));
  DD_TRY(record.valid_to, as_stored(row.optional_time()));
  record.version = Version(row.number());
  DD_TRY(record.upload_id, as_stored(UploadId::parse(row.text())));
  return record;
}

/// A dead letter and the id of its upload. Another query reads the upload's facts.
struct StoredDeadLetter {
  DeadLetterEntry entry;
  std::optional<UploadId> upload_id;
};

/// Reads kDeadLetterColumns.
template <class Row>
Result<StoredDeadLetter> dead_letter_of(Row&& row) {
  StoredDeadLetter stored;
  DeadLetter& letter = stored.entry.letter;
  letter.partition = {std::string(row.text()), eventlog::Partition(static_cast<std::int32_t>(row.number()))};
  letter.offset = Offset(row.number());
  letter.identity.topic_id = row.text();
  letter.payload = row.bytes();
  letter.reason = row.text();
  DD_TRY(stored.upload_id, optional_id<UploadId>(row));
  DD_TRY(stored.entry.recorded_at, as_stored(row.time()));
  DD_TRY(stored.entry.resolved_at, as_stored(row.optional_time()));
  return stored;
}

/// Columns of log_offsets that offset_of reads.
inline constexpr std::string_view kOffsetColumns = "topic, partition, cluster_id, topic_id, next_offset";

template <class Row>
Result<StoredOffset> offset_of(Row&& row) {
  return StoredOffset{{std::string(row.text()), eventlog::Partition(static_cast<std::int32_t>(row.number()))},
                      {std::string(row.text()), std::string(row.text())},
                      Offset(row.number())};
}

/// Reads column_name and column_type.
template <class Row>
Result<LakeColumn> lake_column_of(Row&& row) {
  const std::string name(row.text());
  const auto type = row.text();
  if (const auto known = parse_column_type(type)) return LakeColumn{name, *known};
  return damaged("column " + name + " of the lake has the type " + std::string(type));
}

/// Reads rows of kSelectTablesByArchive. `next` returns the next row, or nothing at the end.
template <class Next>
Result<std::vector<KnownArchive>> archives_of(const Next& next) {
  constexpr std::size_t kExamplesMax = 10;
  std::vector<KnownArchive> archives;
  while (true) {
    DD_TRY(auto row, next());
    if (!row) return archives;
    DD_TRY(const auto archive, optional_id<ArchiveId>(*row));
    if (archives.empty() || archives.back().archive != archive) archives.push_back({archive, 0, {}});
    auto& known = archives.back();
    ++known.tables;
    if (known.examples.size() >= kExamplesMax) continue;
    DD_TRY(auto table, table_of(*row));
    known.examples.push_back(std::move(table));
  }
}

}  // namespace deltadrop::history
