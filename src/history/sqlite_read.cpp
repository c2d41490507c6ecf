#include <fmt/format.h>

#include <unordered_map>

#include "history/decisions.hpp"
#include "history/sqlite_calls.hpp"
#include "history/sqlite_rows.hpp"

namespace deltadrop::history::sqlite {
namespace {

namespace db = deltadrop::sqlite;

constexpr std::size_t kScanBytesMax = std::size_t{4} << 20;

/// A read transaction: all statements during its lifetime see one snapshot of the database.
class Snapshot {
 public:
  static Result<Snapshot> begin(Database& database) {
    DD_TRY(database.execute("BEGIN"));
    return Snapshot(database);
  }
  Snapshot(Snapshot&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}
  Snapshot& operator=(Snapshot&&) = delete;
  ~Snapshot() {
    if (database_ == nullptr) return;
    [[maybe_unused]] const auto ended = database_->execute("ROLLBACK");
  }

 private:
  explicit Snapshot(Database& database) : database_(&database) {}
  Database* database_;
};

/// Returns true if `as_of` is not before effective_at of the table's last applied upload. The open rows are
/// then the result.
Result<bool> is_after_all_changes(Database& database, const TableRef& table, const std::string& as_of) {
  DD_TRY(auto select,
         database.prepare("SELECT effective_at <= ? FROM uploads WHERE company_id = ? AND table_name = ? "
                          "AND state = 'applied' AND state <> 'conflict' ORDER BY version DESC LIMIT 1"));
  select.bind(1, as_of).bind(2, table.company_id).bind(3, table.table_name);
  DD_TRY(const bool found, select.step());
  return found && Row(select).number() == 1;
}

std::optional<std::string> text_of(const std::optional<Timestamp>& time) {
  return time ? std::optional(time->to_string()) : std::nullopt;
}

/// Appends the upload's events after `after` up to `last`, in seq order, until the result is full.
Result<void> append_events_of(Database& database, const UploadStatus& upload, Seq after, Seq last,
                              const EventQuery& query, std::vector<AppliedEvent>& events) {
  DD_TRY(auto select,
         database.prepare(fmt::format("SELECT {} FROM cdc_events e WHERE e.upload_id = ?1 AND e.seq > ?2 "
                                      "AND e.seq <= ?5 AND (?3 IS NULL OR e.event_type = ?3) "
                                      "ORDER BY e.seq LIMIT ?4",
                                      kEventColumns)));
  const std::string id = upload.facts.upload_id.to_string();
  std::optional<std::string_view> type;
  if (query.type) type = to_string(*query.type);
  select.bind(1, id).bind(2, after.value).bind(3, type);
  select.bind(4, query.limit - static_cast<std::int64_t>(events.size())).bind(5, last.value);
  std::int64_t bytes = 0;
  while (!query.bytes_max || bytes < *query.bytes_max) {
    DD_TRY(const bool row, select.step());
    if (!row) return success();
    DD_TRY(auto event, event_of(Row(select), upload.facts));
    bytes += static_cast<std::int64_t>(event.old_values_json.size() + event.new_values_json.size());
    events.push_back({*upload.applied_no, std::move(event)});
  }
  return success();
}

constexpr std::string_view kSinceUploads =
    "AND u.timestamp >= ?5 AND u.applied_no >= (SELECT min(applied_no + 0) FROM uploads WHERE timestamp >= "
    "?5 "
    "AND applied_no IS NOT NULL)";
constexpr std::string_view kUntilUploads =
    "AND u.timestamp < ?6 AND u.applied_no <= (SELECT max(applied_no + 0) FROM uploads WHERE timestamp < ?6 "
    "AND applied_no IS NOT NULL)";

/// Returns the applied uploads from `from` that match the query. Time bounds become bounds of applied_no,
/// each found with an index, because `timestamp` does not increase with applied_no across tables.
Result<std::vector<UploadStatus>> read_uploads_page(Database& database, const EventQuery& query,
                                                    AppliedNo from) {
  const auto since = text_of(query.since);
  const auto until = text_of(query.until);
  std::string_view index;
  if (query.company_id) index = query.table_name ? "uploads_of_table" : "uploads_of_company";
  DD_TRY(auto select,
         database.prepare(select_uploads(fmt::format(
             "{} WHERE u.applied_no >= ?1 AND {} AND {} {} {} ORDER BY u.applied_no LIMIT ?4",
             index.empty() ? "" : fmt::format("INDEXED BY {}", index),
             query.company_id ? "u.company_id = ?2" : "?2 IS NULL",
             query.table_name ? "u.table_name = ?3" : "?3 IS NULL", since ? kSinceUploads : "AND ?5 IS NULL",
             until ? kUntilUploads : "AND ?6 IS NULL"))));
  select.bind(1, from.value).bind(2, query.company_id).bind(3, query.table_name).bind(4, kUploadsPage);
  select.bind(5, since).bind(6, until);
  return all_of(select, kUpload);
}

std::string_view spans_index(const EventQuery& query) {
  if (query.upload_id) return "";  // by their primary key
  if (!query.company_id) return "INDEXED BY event_spans_of_type";
  return query.table_name ? "INDEXED BY event_spans_of_table" : "INDEXED BY event_spans_of_company";
}

/// Returns the spans after `after` that match the query.
Result<std::vector<StoredSpan>> read_spans_page(Database& database, const EventQuery& query,
                                                const EventCursor& after) {
  const auto since = text_of(query.since);
  const auto until = text_of(query.until);
  DD_TRY(auto select,
         database.prepare(select_spans(
             fmt::format("event_spans s {} CROSS JOIN uploads u", spans_index(query)),
             fmt::format("WHERE u.applied_no = s.applied_no "
                         "AND s.event_type = ?1 AND (s.applied_no, s.last_seq) > (?2, ?3) "
                         "AND {} AND {} AND {} {} {} ORDER BY {} s.last_seq LIMIT ?9",
                         query.company_id ? "s.company_id = ?4" : "?4 IS NULL",
                         query.table_name ? "s.table_name = ?7" : "?7 IS NULL",
                         query.upload_id ? "s.upload_id = ?8" : "?8 IS NULL",
                         since ? kSinceUploads : "AND ?5 IS NULL", until ? kUntilUploads : "AND ?6 IS NULL",
                         query.upload_id ? "" : "s.applied_no,"))));
  const auto upload = query.upload_id ? std::optional(query.upload_id->to_string()) : std::nullopt;
  select.bind(1, to_string(*query.type)).bind(2, after.applied_no.value).bind(3, after.seq.value);
  select.bind(4, query.company_id).bind(5, since).bind(6, until).bind(7, query.table_name).bind(8, upload);
  select.bind(9, kUploadsPage);
  return all_of(select, [](Row row) { return span_of(row); });
}

/// Finds the few events of a key with the index on keys and sorts them.
Result<std::vector<AppliedEvent>> events_by_key(Database& database, const EventQuery& query) {
  DD_TRY(auto select,
         database.prepare(fmt::format(
             "SELECT u.upload_id, u.applied_no, {} FROM cdc_events e INDEXED BY cdc_events_by_key "
             "CROSS JOIN uploads u ON u.upload_id = e.upload_id "
             "WHERE e.key_value = ?1 AND {} AND {} AND (?4 IS NULL OR e.event_type = ?4) "
             "AND (u.applied_no > ?5 OR (u.applied_no = ?5 AND e.seq > ?6)) "
             "AND (?8 IS NULL OR u.timestamp >= ?8) AND (?9 IS NULL OR u.timestamp < ?9) "
             "AND (?10 IS NULL OR e.upload_id = ?10) "
             "ORDER BY u.applied_no, e.seq LIMIT ?7",
             kEventColumns, query.table_name ? "e.table_name = ?2" : "?2 IS NULL",
             query.company_id ? "e.company_id = ?3" : "?3 IS NULL")));
  std::optional<std::string_view> type;
  if (query.type) type = to_string(*query.type);
  const EventCursor after = query.after.value_or(EventCursor{AppliedNo(0), Seq(0)});
  select.bind(1, *query.key_value).bind(2, query.table_name).bind(3, query.company_id).bind(4, type);
  select.bind(5, after.applied_no.value).bind(6, after.seq.value).bind(7, query.limit);
  const auto since = text_of(query.since);
  const auto until = text_of(query.until);
  const auto upload = query.upload_id ? std::optional(query.upload_id->to_string()) : std::nullopt;
  select.bind(8, since).bind(9, until).bind(10, upload);
  std::unordered_map<UploadId, UploadFacts> facts;
  return all_of(select, [&](Row row) -> Result<AppliedEvent> {
    DD_TRY(const auto upload_id, as_stored(UploadId::parse(row.text())));
    const AppliedNo applied_no(row.number());
    auto known = facts.find(upload_id);
    if (known == facts.end()) {
      DD_TRY(const auto found, find_upload(database, upload_id));
      known = facts.emplace(upload_id, found->facts).first;
    }
    DD_TRY(auto event, event_of(row, known->second));
    return AppliedEvent{applied_no, std::move(event)};
  });
}

Result<std::int64_t> read_count(Database& database, std::string_view sql) {
  DD_TRY(auto select, database.prepare(sql));
  DD_TRY(select.step());
  return Row(select).number();
}

}  // namespace

Result<std::optional<UploadStatus>> find_upload(Database& database, const UploadId& upload) {
  DD_TRY(auto select, database.prepare(select_uploads("WHERE u.upload_id = ?")));
  const std::string id = upload.to_string();
  return first_of(select.bind(1, id), kUpload);
}

Result<std::vector<StoredOffset>> read_offsets(Database& database, const std::string& topic) {
  DD_TRY(auto select, database.prepare(fmt::format(
                          "SELECT {} FROM log_offsets WHERE topic = ? ORDER BY partition", kOffsetColumns)));
  return all_of(select.bind(1, topic), [](Row row) { return offset_of(row); });
}

namespace {

Result<std::vector<TableRef>> read_tables(Database& database, std::string_view condition) {
  DD_TRY(auto select, database.prepare(fmt::format("SELECT DISTINCT company_id, table_name FROM uploads "
                                                   "WHERE {} ORDER BY company_id, table_name",
                                                   condition)));
  return all_of(select, [](Row row) { return table_of(row); });
}

}  // namespace

Result<std::vector<TableRef>> read_tables_to_apply(Database& database) {
  return read_tables(database, "state = 'recorded'");
}

Result<std::vector<TableRef>> read_applied_tables(Database& database) {
  return read_tables(database, "state = 'applied'");
}

Result<std::vector<UploadStatus>> read_uploads_for_lake(Database& database) {
  DD_TRY(auto select,
         database.prepare(select_uploads(
             "WHERE u.applied_no IN (SELECT min(applied_no) FROM uploads WHERE state = 'applied' "
             "AND in_lake_at IS NULL GROUP BY company_id, table_name) ORDER BY u.applied_no")));
  return all_of(select, kUpload);
}

Result<std::vector<UploadStatus>> read_applied_uploads(Database& database, const TableRef& table,
                                                       Version last) {
  DD_TRY(auto select, database.prepare(select_uploads(
                          "WHERE u.company_id = ? AND u.table_name = ? AND u.version <= ? "
                          "AND u.state = 'applied' AND u.state <> 'conflict' ORDER BY u.version")));
  select.bind(1, table.company_id).bind(2, table.table_name).bind(3, last.value);
  return all_of(select, kUpload);
}

Result<std::set<UploadId>> read_applied_among(Database& database, const std::set<UploadId>& uploads) {
  std::string ids;  // a JSON array
  for (const auto& upload : uploads) {
    ids += ids.empty() ? "[\"" : "\",\"";
    ids += upload.to_string();
  }
  ids += ids.empty() ? "[]" : "\"]";
  DD_TRY(auto select, database.prepare("SELECT u.upload_id FROM json_each(?) asked "
                                       "CROSS JOIN uploads u ON u.upload_id = asked.value "
                                       "WHERE u.state = 'applied'"));
  select.bind(1, ids);
  DD_TRY(const auto applied, all_of(select, [](Row row) { return as_stored(UploadId::parse(row.text())); }));
  return std::set<UploadId>(applied.begin(), applied.end());
}

Result<std::vector<LakeColumn>> read_lake_columns(Database& database, const TableRef& table) {
  DD_TRY(auto select, database.prepare("SELECT column_name, column_type FROM lake_columns "
                                       "WHERE company_id = ? AND table_name = ? ORDER BY column_name"));
  select.bind(1, table.company_id).bind(2, table.table_name);
  return all_of(select, [](Row row) { return lake_column_of(row); });
}

Result<std::vector<StoredRecord>> read_records(Database& database, const RecordQuery& query) {
  DD_TRY(const auto snapshot, Snapshot::begin(database));
  const std::string as_of = query.as_of.to_string();
  const std::string after_key = query.after_key.value_or("");
  DD_TRY(const bool open_rows, is_after_all_changes(database, query.table, as_of));
  // Every key text is greater than or equal to ''; no key is empty.
  DD_TRY(auto select,
         database.prepare(
             fmt::format("SELECT {} FROM company_data d {} CROSS JOIN uploads u ON u.upload_id = d.upload_id "
                         "WHERE d.company_id = ?1 AND d.table_name = ?2 AND d.record_key > ?3 AND {} "
                         "ORDER BY d.record_key LIMIT ?5",
                         kRecordColumns, open_rows ? "INDEXED BY company_data_open" : "",
                         open_rows ? "d.is_current = 1 AND ?4 IS NOT NULL"
                                   : "d.valid_from <= ?4 AND (d.valid_to IS NULL OR d.valid_to > ?4)")));
  select.bind(1, query.table.company_id).bind(2, query.table.table_name).bind(3, after_key);
  select.bind(4, as_of).bind(5, query.limit);
  std::vector<StoredRecord> records;
  std::int64_t bytes = 0;
  while (!query.bytes_max || bytes < *query.bytes_max) {
    DD_TRY(const bool row, select.step());
    if (!row) return records;
    DD_TRY(auto record, record_of(Row(select)));
    bytes += static_cast<std::int64_t>(record.data_json.size());
    records.push_back(std::move(record));
  }
  return records;
}

Result<std::vector<AppliedEvent>> read_events(Database& database, const EventQuery& query) {
  DD_TRY(const auto snapshot, Snapshot::begin(database));
  if (query.key_value) return events_by_key(database, query);
  if (query.type) {
    return events_by_span(
        query, [&](const EventCursor& after) { return read_spans_page(database, query, after); },
        [&](const StoredSpan& span, Seq after, std::vector<AppliedEvent>& found) {
          return append_events_of(database, span.upload, after, span.last, query, found);
        });
  }
  std::vector<AppliedEvent> events;
  if (query.upload_id) {
    DD_TRY(const auto upload, find_upload(database, *query.upload_id));
    if (!upload || !matches(query, *upload)) return events;
    if (query.after && query.after->applied_no > *upload->applied_no) return events;
    DD_TRY(append_events_of(database, *upload, seq_after(query, *upload), kAnySeq, query, events));
    return events;
  }
  return events_by_upload(
      query, [&](AppliedNo from) { return read_uploads_page(database, query, from); },
      [&](const UploadStatus& upload, Seq after, std::vector<AppliedEvent>& found) {
        return append_events_of(database, upload, after, kAnySeq, query, found);
      });
}

Result<AppliedNo> read_last_applied(Database& database) {
  DD_TRY(const auto number, read_count(database, "SELECT last_no FROM applied_counter"));
  return AppliedNo(number);
}

namespace {

Result<DeadLetterEntry> dead_letter_with_upload(Database& database, Row row) {
  DD_TRY(auto stored, dead_letter_of(row));
  if (!stored.upload_id) return std::move(stored.entry);
  DD_TRY(const auto upload, find_upload(database, *stored.upload_id));
  if (upload) stored.entry.letter.upload = upload->facts;
  return std::move(stored.entry);
}

}  // namespace

Result<std::vector<DeadLetterEntry>> read_dead_letters(Database& database, std::int64_t limit) {
  DD_TRY(const auto snapshot, Snapshot::begin(database));
  DD_TRY(auto select,
         database.prepare(fmt::format("SELECT {} FROM dead_letters ORDER BY resolved_at IS NOT NULL, "
                                      "recorded_at DESC, topic, partition, log_offset LIMIT ?",
                                      kDeadLetterColumns)));
  return all_of(select.bind(1, limit), [&](Row row) { return dead_letter_with_upload(database, row); });
}

Result<std::optional<DeadLetterEntry>> read_dead_letter(Database& database, const DeadLetterId& id) {
  DD_TRY(const auto snapshot, Snapshot::begin(database));
  DD_TRY(auto select,
         database.prepare(fmt::format(
             "SELECT {} FROM dead_letters WHERE topic_id = ? AND partition = ? AND log_offset = ?",
             kDeadLetterColumns)));
  select.bind(1, id.topic_id).bind(2, std::int64_t{id.partition.value}).bind(3, id.offset.value);
  return first_of(select, [&](Row row) { return dead_letter_with_upload(database, row); });
}

Result<Summary> read_summary(Database& database) {
  DD_TRY(const auto snapshot, Snapshot::begin(database));
  Summary summary;
  DD_TRY(summary.uploads_recorded,
         read_count(database, "SELECT count(*) FROM uploads WHERE state = 'recorded'"));
  DD_TRY(summary.uploads_not_in_lake,
         read_count(database, "SELECT count(*) FROM uploads WHERE state = 'applied' AND in_lake_at IS NULL"));
  DD_TRY(summary.dead_letters,
         read_count(database, "SELECT count(*) FROM dead_letters WHERE resolved_at IS NULL"));
  DD_TRY(auto select, database.prepare(select_uploads(
                          "WHERE u.state IN ('blocked', 'conflict') AND u.set_aside_at IS NULL "
                          "ORDER BY u.company_id, u.table_name, u.version")));
  DD_TRY(summary.blocked, all_of(select, kUpload));
  return summary;
}

Result<std::vector<std::int64_t>> read_event_rows(Database& database, const UploadFacts& upload,
                                                  ChangeType type) {
  DD_TRY(auto select, database.prepare("SELECT rowid FROM cdc_events WHERE upload_id = ? AND event_type = ? "
                                       "ORDER BY key_value, seq"));
  const std::string id = upload.upload_id.to_string();
  select.bind(1, id).bind(2, to_string(type));
  std::vector<std::int64_t> rows;
  // Reserve the maximum to avoid a larger copy; unused memory is never touched.
  rows.reserve(static_cast<std::size_t>(upload.total));
  DD_TRY(for_each_row(select, [&](Row row) -> Result<void> {
    rows.push_back(row.number());
    return success();
  }));
  return rows;
}

Result<std::vector<Event>> read_events_at(Database& database, const UploadFacts& upload,
                                          std::span<const std::int64_t> rows) {
  // One lock serves all rows.
  DD_TRY(const auto snapshot, Snapshot::begin(database));
  DD_TRY(auto select,
         database.prepare(fmt::format("SELECT {} FROM cdc_events e WHERE e.rowid = ?", kEventColumns)));
  std::vector<Event> events;
  std::size_t bytes = 0;
  for (const std::int64_t row : rows) {
    if (bytes >= kScanBytesMax) break;
    DD_TRY(const bool found, select.bind(1, row).step());
    if (!found) return Error{ErrorCode::corrupt, "bad-row", "an event that was found is gone", ""};
    DD_TRY(auto event, event_of(Row(select), upload));
    bytes += event.old_values_json.size() + event.new_values_json.size() + sizeof(Event);
    events.push_back(std::move(event));
    select.reset();
  }
  return events;
}

}  // namespace deltadrop::history::sqlite
