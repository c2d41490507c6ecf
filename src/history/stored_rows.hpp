#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "core/values_json.hpp"
#include "history/decisions.hpp"
#include "history/history_store.hpp"

/// Rows of the tables as the port's values, the same for every adapter. A Row has, for a 0-based column:
/// text, number, is_null, optional_text; json (compact text, "" for null), bytes, and time (a
/// Result<Timestamp>).
namespace deltadrop::history {

/// An error of reading what we wrote ourselves: `corrupt`, whatever it was.
template <class T>
Result<T> as_stored(Result<T> parsed) {
  if (parsed) return parsed;
  return Error{ErrorCode::corrupt, "bad-row", "a stored value is damaged: " + parsed.error().message,
               "restore the history from a backup; or keep it as it is, and fill another, empty one from the "
               "archive with `deltadrop republish`"};
}

Error damaged(std::string_view what);
Result<UploadState> parse_state(std::string_view text);
Result<LakeColumn> lake_column_of(std::string_view name, std::string_view type);

/// "SELECT <columns of an UploadStatus> FROM uploads u <rest>"
std::string select_uploads(std::string_view rest);
inline constexpr int kUploadColumnCount = 18;
/// "SELECT <columns of an UploadStatus>, s.first_seq, s.last_seq FROM <from> <rest>", `from` with event_spans
/// s and uploads u.
std::string select_spans(std::string_view from, std::string_view rest);

/// Tables with an upload that is not in conflict, each with its owner: those of one archive together, by
/// name.
inline constexpr std::string_view kSelectTablesByArchive =
    "SELECT o.archive_id, t.company_id, t.table_name FROM (SELECT DISTINCT company_id, table_name FROM "
    "uploads "
    "WHERE state <> 'conflict') t LEFT JOIN table_owners o ON o.company_id = t.company_id AND o.table_name = "
    "t.table_name ORDER BY o.archive_id, t.company_id, t.table_name";

/// By version, then by id.
void sort_by_version(std::vector<UploadStatus>& uploads);

/// Columns of cdc_events e that event_of wants, in its order.
inline constexpr std::string_view kEventColumns =
    "e.seq, e.event_id, e.event_type, e.key_column, e.key_value, e.old_values, e.new_values, "
    "e.changed_columns, e.file_id, e.line";
inline constexpr int kEventColumnCount = 10;

/// Columns of company_data d and uploads u that record_of wants.
inline constexpr std::string_view kRecordColumns =
    "d.record_key, d.data, d.valid_from, d.valid_to, u.version, d.upload_id";

/// Columns of dead_letters that dead_letter_of wants.
inline constexpr std::string_view kDeadLetterColumns =
    "topic, partition, log_offset, topic_id, payload, reason, upload_id, recorded_at, resolved_at";
inline constexpr int kDeadLetterUploadColumn = 6;

template <class Row>
Result<std::optional<Timestamp>> optional_time(const Row& row, int column) {
  if (row.is_null(column)) return std::optional<Timestamp>();
  DD_TRY(auto time, as_stored(row.time(column)));
  return std::optional<Timestamp>(time);
}

/// Of a row of select_uploads.
template <class Row>
Result<UploadStatus> upload_of(const Row& row) {
  UploadStatus upload;
  UploadFacts& facts = upload.facts;
  DD_TRY(facts.upload_id, as_stored(UploadId::parse(row.text(0))));
  DD_TRY(facts.table, as_stored(TableRef::make(row.text(1), row.text(2))));
  facts.version = Version(row.number(3));
  if (!row.is_null(4)) {
    DD_TRY(auto previous, as_stored(UploadId::parse(row.text(4))));
    facts.previous_upload_id = previous;
  }
  DD_TRY(facts.file_sha256, as_stored(Sha256::parse(row.text(5))));
  facts.file_id = file_id_of(facts.table.company_id, facts.file_sha256);
  facts.types_json = row.optional_text(6);
  facts.total = row.number(7);
  DD_TRY(upload.state, parse_state(row.text(8)));
  DD_TRY(facts.timestamp, as_stored(row.time(9)));
  DD_TRY(facts.effective_at, as_stored(row.time(10)));
  if (!row.is_null(11)) upload.applied_no = AppliedNo(row.number(11));
  DD_TRY(upload.applied_at, optional_time(row, 12));
  DD_TRY(upload.in_lake_at, optional_time(row, 13));
  upload.error = row.text(14);
  upload.recorded = row.number(15);
  if (!row.is_null(16)) {
    DD_TRY(auto archive, as_stored(ArchiveId::parse(row.text(16))));
    facts.archive_id = archive;
  }
  DD_TRY(upload.set_aside_at, optional_time(row, 17));
  return upload;
}

/// Of a row of select_spans.
template <class Row>
Result<StoredSpan> span_of(const Row& row) {
  DD_TRY(auto upload, upload_of(row));
  return StoredSpan{std::move(upload), Seq(row.number(kUploadColumnCount)),
                    Seq(row.number(kUploadColumnCount + 1))};
}

/// All of `event` but what it shares with its upload, from a row that starts with kEventColumns. What the
/// event held before is room for what it holds now.
template <class Row>
Result<void> read_event(const Row& row, Event& event) {
  event.seq = Seq(row.number(0));
  DD_TRY(event.event_id, as_stored(EventId::parse(row.text(1))));
  const auto type = parse_change_type(row.text(2));
  auto changed = parse_texts_json(row.text(7));
  if (!type || !changed) return damaged("an event of upload " + event.upload.upload_id.to_string());
  event.type = *type;
  event.key_column = row.text(3);
  event.key_value = row.text(4);
  event.old_values_json = row.json(5);
  event.new_values_json = row.json(6);
  event.changed_columns = std::move(*changed);
  event.upload.file_id = row.text(8);
  event.line = Line(row.number(9));
  return success();
}

/// Of a row that starts with kEventColumns.
template <class Row>
Result<Event> event_of(const Row& row, const UploadFacts& upload) {
  Event event;
  event.upload = upload;
  DD_TRY(read_event(row, event));
  return event;
}

template <class Row>
Result<StoredRecord> record_of(const Row& row) {
  StoredRecord record;
  record.key = row.text(0);
  record.data_json = row.json(1);
  DD_TRY(record.valid_from, as_stored(row.time(2)));
  DD_TRY(record.valid_to, optional_time(row, 3));
  record.version = Version(row.number(4));
  DD_TRY(record.upload_id, as_stored(UploadId::parse(row.text(5))));
  return record;
}

/// All but the facts of its upload, which another query finds.
template <class Row>
Result<DeadLetterEntry> dead_letter_of(const Row& row) {
  DeadLetterEntry entry;
  DeadLetter& letter = entry.letter;
  letter.partition = {std::string(row.text(0)),
                      eventlog::Partition(static_cast<std::int32_t>(row.number(1)))};
  letter.offset = Offset(row.number(2));
  letter.identity.topic_id = row.text(3);
  letter.payload = row.bytes(4);
  letter.reason = row.text(5);
  DD_TRY(entry.recorded_at, as_stored(row.time(7)));
  DD_TRY(entry.resolved_at, optional_time(row, 8));
  return entry;
}

/// Of rows of kSelectTablesByArchive: `next` gives one after another, then none.
template <class Next>
Result<std::vector<KnownArchive>> archives_of(const Next& next) {
  constexpr std::size_t kExamplesMax = 10;
  std::vector<KnownArchive> archives;
  while (true) {
    DD_TRY(const auto row, next());
    if (!row) return archives;
    std::optional<ArchiveId> archive;
    if (!row->is_null(0)) {
      DD_TRY(auto id, as_stored(ArchiveId::parse(row->text(0))));
      archive = id;
    }
    if (archives.empty() || archives.back().archive != archive) archives.push_back({archive, 0, {}});
    auto& known = archives.back();
    ++known.tables;
    if (known.examples.size() >= kExamplesMax) continue;
    DD_TRY(auto table, as_stored(TableRef::make(row->text(1), row->text(2))));
    known.examples.push_back(std::move(table));
  }
}

}  // namespace deltadrop::history
