#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <unordered_map>

#include "history/decisions.hpp"
#include "history/postgres_calls.hpp"
#include "history/postgres_rows.hpp"

namespace deltadrop::history::postgres {
namespace {

/// All statements of the transaction see one snapshot of the database.
constexpr std::string_view kSnapshot = "ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// WHERE conditions with their parameters.
class Conditions {
 public:
  /// `condition` contains {} for the parameter.
  void add(std::string_view condition, std::string parameter) {
    statement_.parameters.emplace_back(std::move(parameter));
    add(fmt::format(fmt::runtime(condition), fmt::format("${}", statement_.parameters.size())));
  }
  void add(std::string_view condition) {
    text_ += text_.empty() ? "WHERE " : " AND ";
    text_ += condition;
  }
  void add_if(std::string_view condition, const std::optional<std::string>& parameter) {
    if (parameter) add(condition, *parameter);
  }
  /// "<select> WHERE <conditions> <rest>"
  Statement select(std::string_view select, std::string_view rest) && {
    statement_.sql = fmt::format("{} {} {}", select, text_, rest);
    return std::move(statement_);
  }

 private:
  Statement statement_;
  std::string text_;
};

std::optional<std::string> type_of(const EventQuery& query) {
  if (!query.type) return std::nullopt;
  return std::string(to_string(*query.type));
}

std::optional<std::string> text_of(const std::optional<Timestamp>& time) {
  return time ? std::optional(time_text(*time)) : std::nullopt;
}

/// Wraps `rows`, a SELECT * in `order`, as a subquery. With a bound, the rows end with the one at which the
/// sum of `size` reaches it. Sizes are as stored, so long values count compressed. Values of omitted rows are
/// not read.
std::string within_bytes(const std::string& rows, std::string_view size, std::string_view order,
                         const BytesMax& bytes_max) {
  if (!bytes_max) return fmt::format("({})", rows);
  return fmt::format(
      "(SELECT * FROM (SELECT *, sum({1}) OVER (ORDER BY {2} ROWS UNBOUNDED PRECEDING) - {1} AS bytes_before "
      "FROM ({0}) found) counted WHERE bytes_before < {3})",
      rows, size, order, *bytes_max);
}

/// Appends the upload's events after `after` up to `last`, in seq order, until the result is full.
Result<void> append_events_of(Connection& connection, const UploadStatus& upload, Seq after, Seq last,
                              const EventQuery& query, std::vector<AppliedEvent>& events) {
  Conditions conditions;
  if (last != kAnySeq) conditions.add("e.seq <= {}", std::to_string(last.value));
  conditions.add("e.upload_id = {}", upload.facts.upload_id.to_string());
  conditions.add("e.seq > {}", std::to_string(after.value));
  conditions.add_if("e.event_type = {}", type_of(query));
  auto statement = std::move(conditions)
                       .select("SELECT * FROM cdc_events e",
                               fmt::format("ORDER BY e.seq LIMIT {}",
                                           query.limit - static_cast<std::int64_t>(events.size())));
  statement.sql = fmt::format("SELECT {} FROM {} e ORDER BY e.seq", kEventColumns,
                              within_bytes(statement.sql,
                                           "(coalesce(pg_column_size(old_values), 0) + "
                                           "coalesce(pg_column_size(new_values), 0))",
                                           "seq", query.bytes_max));
  DD_TRY(const auto rows, connection.run(statement));
  for (int i = 0; i < rows.size(); ++i) {
    DD_TRY(auto event, event_of(rows[i], upload.facts));
    events.push_back({*upload.applied_no, std::move(event)});
  }
  return success();
}

/// Adds the time bounds as bounds of applied_no, each found with an index, because `timestamp` does not
/// increase with applied_no across tables. `table` is the table whose applied_no is scanned.
void add_times(Conditions& conditions, const EventQuery& query, std::string_view table) {
  if (query.since) {
    conditions.add("u.timestamp >= {}", time_text(*query.since));
    conditions.add(
        fmt::format("{}.applied_no >= (SELECT min(applied_no + 0) FROM uploads WHERE timestamp >= {{}} "
                    "AND applied_no IS NOT NULL)",
                    table),
        time_text(*query.since));
  }
  if (query.until) {
    conditions.add("u.timestamp < {}", time_text(*query.until));
    conditions.add(
        fmt::format("{}.applied_no <= (SELECT max(applied_no + 0) FROM uploads WHERE timestamp < {{}} "
                    "AND applied_no IS NOT NULL)",
                    table),
        time_text(*query.until));
  }
}

/// Returns the applied uploads from `from` that match the query.
Result<std::vector<UploadStatus>> read_uploads_page(Connection& connection, const EventQuery& query,
                                                    AppliedNo from) {
  Conditions conditions;
  conditions.add("u.applied_no >= {}", std::to_string(from.value));
  conditions.add_if("u.company_id = {}", query.company_id);
  conditions.add_if("u.table_name = {}", query.table_name);
  add_times(conditions, query, "u");
  DD_TRY(const auto rows,
         connection.run(
             std::move(conditions)
                 .select(select_uploads(""), fmt::format("ORDER BY u.applied_no LIMIT {}", kUploadsPage))));
  return all_of(rows, kUpload);
}

/// Returns the spans after `after` that match the query.
Result<std::vector<StoredSpan>> read_spans_page(Connection& connection, const EventQuery& query,
                                                const EventCursor& after) {
  Conditions conditions;
  conditions.add("s.event_type = {}", std::string(to_string(*query.type)));
  conditions.add(fmt::format("(s.applied_no, s.last_seq) > ({}, {{}}::bigint)", after.applied_no.value),
                 std::to_string(after.seq.value));
  conditions.add_if("s.company_id = {}", query.company_id);
  conditions.add_if("s.table_name = {}", query.table_name);
  if (query.upload_id) conditions.add("s.upload_id = {}", query.upload_id->to_string());
  add_times(conditions, query, "s");
  conditions.add("u.applied_no >= {}", std::to_string(after.applied_no.value));
  DD_TRY(const auto rows,
         connection.run(
             std::move(conditions)
                 .select(select_spans("event_spans s JOIN uploads u ON u.applied_no = s.applied_no", ""),
                         fmt::format("ORDER BY s.applied_no, s.last_seq LIMIT {}", kUploadsPage))));
  return all_of(rows, [](Row row) { return span_of(row); });
}

/// Finds the few events of a key with the index on keys and sorts them.
Result<std::vector<AppliedEvent>> events_by_key(Connection& connection, const EventQuery& query) {
  Conditions conditions;
  conditions.add("e.key_value = {}", *query.key_value);
  conditions.add_if("e.table_name = {}", query.table_name);
  conditions.add_if("e.company_id = {}", query.company_id);
  conditions.add_if("e.event_type = {}", type_of(query));
  conditions.add_if("u.timestamp >= {}", text_of(query.since));
  conditions.add_if("u.timestamp < {}", text_of(query.until));
  if (query.upload_id) conditions.add("e.upload_id = {}", query.upload_id->to_string());
  const EventCursor after = query.after.value_or(EventCursor{AppliedNo(0), Seq(0)});
  conditions.add(fmt::format("(u.applied_no, e.seq) > ({}, {{}}::bigint)", after.applied_no.value),
                 std::to_string(after.seq.value));
  DD_TRY(const auto rows,
         connection.run(std::move(conditions)
                            .select(fmt::format("SELECT u.upload_id, u.applied_no, {} FROM cdc_events e JOIN "
                                                "uploads u ON u.upload_id = e.upload_id",
                                                kEventColumns),
                                    fmt::format("ORDER BY u.applied_no, e.seq LIMIT {}", query.limit))));
  std::unordered_map<UploadId, UploadFacts> facts;
  std::vector<AppliedEvent> events;
  for (int i = 0; i < rows.size(); ++i) {
    Row row = rows[i];
    DD_TRY(const auto upload_id, as_stored(UploadId::parse(row.text())));
    const AppliedNo applied_no(row.number());
    auto known = facts.find(upload_id);
    if (known == facts.end()) {
      DD_TRY(const auto upload, find_upload(connection, upload_id));
      known = facts.emplace(upload_id, upload->facts).first;
    }
    DD_TRY(auto event, event_of(row, known->second));
    events.push_back({applied_no, std::move(event)});
  }
  return events;
}

Result<std::vector<AppliedEvent>> events_of(Connection& connection, const EventQuery& query) {
  if (query.key_value) return events_by_key(connection, query);
  if (query.type) {
    return events_by_span(
        query, [&](const EventCursor& after) { return read_spans_page(connection, query, after); },
        [&](const StoredSpan& span, Seq after, std::vector<AppliedEvent>& found) {
          return append_events_of(connection, span.upload, after, span.last, query, found);
        });
  }
  if (query.upload_id) {
    std::vector<AppliedEvent> events;
    DD_TRY(const auto upload, find_upload(connection, *query.upload_id));
    if (!upload || !matches(query, *upload)) return events;
    if (query.after && query.after->applied_no > *upload->applied_no) return events;
    DD_TRY(append_events_of(connection, *upload, seq_after(query, *upload), kAnySeq, query, events));
    return events;
  }
  return events_by_upload(
      query, [&](AppliedNo from) { return read_uploads_page(connection, query, from); },
      [&](const UploadStatus& upload, Seq after, std::vector<AppliedEvent>& found) {
        return append_events_of(connection, upload, after, kAnySeq, query, found);
      });
}

}  // namespace

Statement select_uploads_by_id(const std::string& ids) {
  return {select_uploads("WHERE u.upload_id = ANY ($1::uuid[])"), {ids}};
}

Result<std::optional<UploadStatus>> find_upload(Connection& connection, const UploadId& upload) {
  DD_TRY(const auto rows, connection.run(select_uploads_by_id(array_of({upload.to_string()}))));
  return first_of(rows, kUpload);
}

Result<std::vector<StoredOffset>> read_offsets(Connection& connection, const std::string& topic) {
  DD_TRY(const auto rows,
         connection.run(
             {fmt::format("SELECT {} FROM log_offsets WHERE topic = $1 ORDER BY partition", kOffsetColumns),
              {topic}}));
  return all_of(rows, [](Row row) { return offset_of(row); });
}

namespace {

Result<std::vector<TableRef>> read_tables(Connection& connection, std::string_view condition) {
  DD_TRY(const auto rows, connection.run({fmt::format("SELECT DISTINCT company_id, table_name FROM uploads "
                                                      "WHERE {} ORDER BY company_id, table_name",
                                                      condition),
                                          {}}));
  return all_of(rows, [](Row row) { return table_of(row); });
}

}  // namespace

Result<std::vector<TableRef>> read_tables_to_apply(Connection& connection) {
  return read_tables(connection, "state = 'recorded'");
}

Result<std::vector<TableRef>> read_applied_tables(Connection& connection) {
  return read_tables(connection, "state = 'applied'");
}

Result<std::vector<UploadStatus>> read_uploads_for_lake(Connection& connection) {
  DD_TRY(const auto rows,
         connection.run({select_uploads("WHERE u.applied_no IN (SELECT min(applied_no) FROM uploads WHERE "
                                        "state = 'applied' AND in_lake_at IS NULL GROUP BY company_id, "
                                        "table_name) ORDER BY u.applied_no"),
                         {}}));
  return all_of(rows, kUpload);
}

Result<std::vector<UploadStatus>> read_applied_uploads(Connection& connection, const TableRef& table,
                                                       Version last) {
  DD_TRY(const auto rows,
         connection.run({select_uploads("WHERE u.company_id = $1 AND u.table_name = $2 AND u.version <= $3 "
                                        "AND u.state = 'applied' ORDER BY u.version"),
                         {table.company_id, table.table_name, std::to_string(last.value)}}));
  return all_of(rows, kUpload);
}

Result<std::set<UploadId>> read_applied_among(Connection& connection, const std::set<UploadId>& uploads) {
  std::vector<std::string> ids;
  ids.reserve(uploads.size());
  for (const auto& upload : uploads) ids.push_back(upload.to_string());
  DD_TRY(const auto rows,
         connection.run(
             {"SELECT upload_id FROM uploads WHERE upload_id = ANY ($1::uuid[]) AND state = 'applied'",
              {array_of(ids)}}));
  DD_TRY(const auto applied, all_of(rows, [](Row row) { return as_stored(UploadId::parse(row.text())); }));
  return std::set<UploadId>(applied.begin(), applied.end());
}

Result<std::vector<LakeColumn>> read_lake_columns(Connection& connection, const TableRef& table) {
  DD_TRY(const auto rows, connection.run({"SELECT column_name, column_type FROM lake_columns WHERE "
                                          "company_id = $1 AND table_name = $2 ORDER BY column_name",
                                          {table.company_id, table.table_name}}));
  return all_of(rows, [](Row row) { return lake_column_of(row); });
}

Result<std::vector<StoredRecord>> read_records(Connection& connection, const RecordQuery& query) {
  const std::string as_of = time_text(query.as_of);
  // From effective_at of the last applied upload on, the open rows are the result.
  DD_TRY(auto transaction,
         Transaction::begin(connection,
                            {{"SELECT effective_at <= $3 FROM uploads WHERE company_id = $1 AND table_name = "
                              "$2 AND state = 'applied' ORDER BY version DESC LIMIT 1",
                              {query.table.company_id, query.table.table_name, as_of}}},
                            kSnapshot));
  const Rows& last = transaction.first()[0];
  const bool open_rows = !last.empty() && last[0].boolean();
  Conditions conditions;
  conditions.add("d.company_id = {}", query.table.company_id);
  conditions.add("d.table_name = {}", query.table.table_name);
  conditions.add_if("d.record_key > {}", query.after_key);
  if (open_rows) {
    conditions.add("d.is_current");
  } else {
    conditions.add("d.valid_from <= {}", as_of);
    conditions.add("(d.valid_to IS NULL OR d.valid_to > {})", as_of);
  }
  auto statement =
      std::move(conditions)
          .select("SELECT * FROM company_data d", fmt::format("ORDER BY d.record_key LIMIT {}", query.limit));
  statement.sql = fmt::format(
      "SELECT {} FROM {} d JOIN uploads u ON u.upload_id = d.upload_id ORDER BY d.record_key", kRecordColumns,
      within_bytes(statement.sql, "pg_column_size(data)", "record_key", query.bytes_max));
  DD_TRY(const auto rows, connection.run(statement));
  return all_of(rows, [](Row row) { return record_of(row); });
}

Result<std::vector<AppliedEvent>> read_events(Connection& connection, const EventQuery& query) {
  DD_TRY(const auto transaction, Transaction::begin(connection, {}, kSnapshot));
  return events_of(connection, query);
}

Result<AppliedNo> read_last_applied(Connection& connection) {
  DD_TRY(const auto rows, connection.run({"SELECT last_no FROM applied_counter", {}}));
  return AppliedNo(rows[0].number());
}

namespace {

Result<DeadLetterEntry> dead_letter_with_upload(Connection& connection, Row row) {
  DD_TRY(auto stored, dead_letter_of(row));
  if (!stored.upload_id) return std::move(stored.entry);
  DD_TRY(const auto upload, find_upload(connection, *stored.upload_id));
  if (upload) stored.entry.letter.upload = upload->facts;
  return std::move(stored.entry);
}

}  // namespace

Result<std::vector<DeadLetterEntry>> read_dead_letters(Connection& connection, std::int64_t limit) {
  DD_TRY(const auto transaction, Transaction::begin(connection, {}, kSnapshot));
  DD_TRY(const auto rows,
         connection.run({fmt::format("SELECT {} FROM dead_letters ORDER BY resolved_at IS NOT NULL, "
                                     "recorded_at DESC, topic, partition, log_offset LIMIT {}",
                                     kDeadLetterColumns, limit),
                         {}}));
  return all_of(rows, [&](Row row) { return dead_letter_with_upload(connection, row); });
}

Result<std::optional<DeadLetterEntry>> read_dead_letter(Connection& connection, const DeadLetterId& id) {
  DD_TRY(const auto transaction, Transaction::begin(connection, {}, kSnapshot));
  DD_TRY(const auto rows,
         connection.run({fmt::format("SELECT {} FROM dead_letters WHERE topic_id = $1 AND partition = $2 AND "
                                     "log_offset = $3",
                                     kDeadLetterColumns),
                         {storable_text(id.topic_id), std::to_string(id.partition.value),
                          std::to_string(id.offset.value)}}));
  return first_of(rows, [&](Row row) { return dead_letter_with_upload(connection, row); });
}

Result<Summary> read_summary(Connection& connection) {
  DD_TRY(const auto transaction,
         Transaction::begin(
             connection,
             {{"SELECT count(*) FROM uploads WHERE state = 'recorded'", {}},
              {"SELECT count(*) FROM uploads WHERE state = 'applied' AND in_lake_at IS NULL", {}},
              {"SELECT count(*) FROM dead_letters WHERE resolved_at IS NULL", {}},
              {select_uploads("WHERE u.state IN ('blocked', 'conflict') AND u.set_aside_at IS NULL "
                              "ORDER BY u.company_id, u.table_name, u.version"),
               {}}},
             kSnapshot));
  const auto& results = transaction.first();
  Summary summary;
  summary.uploads_recorded = results[0][0].number();
  summary.uploads_not_in_lake = results[1][0].number();
  summary.dead_letters = results[2][0].number();
  DD_TRY(summary.blocked, all_of(results[3], kUpload));
  return summary;
}

Result<void> scan_events(Connection& connection, const UploadFacts& upload, ChangeType type,
                         const std::function<Result<void>(const Event&)>& use) {
  Event event;
  event.upload = upload;
  // Formatting is safe here: the values are a UUID and one of our own words.
  return connection.copy_out(fmt::format("COPY (SELECT {} FROM cdc_events e WHERE e.upload_id = '{}' AND "
                                         "e.event_type = '{}' ORDER BY e.key_value, e.seq) TO STDOUT",
                                         kEventColumns, upload.upload_id.to_string(), to_string(type)),
                             [&](CopyRow& row) -> Result<void> {
                               DD_TRY(read_event(row, event));
                               return use(event);
                             });
}

}  // namespace deltadrop::history::postgres
