#include "ingest/catalog.hpp"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "core/text.hpp"
#include "ingest/archive.hpp"
#include "ingest/catalog_rows.hpp"
#include "ingest/catalog_schema.hpp"
#include "ingest/manifest.hpp"

namespace deltadrop::ingest {
namespace {

constexpr ColumnList kRecordRow("state", "published_ms", "record", "spooled_ms", "compared_ms",
                                "aged_from_ms");
constexpr ColumnList kClockRow("boot_id", "uptime_ms", "expected_ms", "is_earliest", "asked_ms",
                               "measured_ms", "agreed_lag_ms");
constexpr ColumnList kAnswerRow("request", "status", "upload_id", "answer");

const std::string& record_columns() {
  static const std::string text = kRecordRow.text();
  return text;
}

/// An unknown word must not be read as a known one: this program would delete what a newer one stored.
Error unknown_word(std::string_view what, std::string_view text) {
  return {ErrorCode::corrupt, "unknown-state",
          fmt::format("the catalog has the {} {}, which this program does not know", what,
                      quoted_for_message(text)),
          "use the newer deltadrop that wrote it"};
}

Result<UploadState> parse_state(std::string_view text) {
  for (const auto state : {UploadState::held, UploadState::accepted, UploadState::published,
                           UploadState::discarded, UploadState::expired}) {
    if (text == to_string(state)) return state;
  }
  return unknown_word("upload state", text);
}

Result<UploadStatus> parse_status(std::string_view text) {
  for (const auto status :
       {UploadStatus::published, UploadStatus::accepted, UploadStatus::held, UploadStatus::unchanged}) {
    if (text == to_string(status)) return status;
  }
  return unknown_word("answer", text);
}

std::optional<Timestamp> time_of(std::optional<std::int64_t> unix_ms) {
  return unix_ms ? std::optional(Timestamp{*unix_ms}) : std::nullopt;
}

std::optional<std::int64_t> unix_ms_of(const std::optional<Timestamp>& time) {
  return time ? std::optional(time->unix_ms) : std::nullopt;
}

Result<UploadRecord> record_of_row(const sqlite::Statement& row) {
  DD_TRY(auto record, record_from_json(row.text(kRecordRow.at("record"))));
  DD_TRY(record.state, parse_state(row.text(kRecordRow.at("state"))));
  record.times.published_at = time_of(row.optional_number(kRecordRow.at("published_ms")));
  record.times.steps = {time_of(row.optional_number(kRecordRow.at("spooled_ms"))),
                        time_of(row.optional_number(kRecordRow.at("compared_ms")))};
  record.times.aged_from = time_of(row.optional_number(kRecordRow.at("aged_from_ms")));
  return record;
}

Result<std::vector<UploadRecord>> all_rows(sqlite::Statement statement) {
  std::vector<UploadRecord> records;
  while (true) {
    DD_TRY(const bool row, statement.step());
    if (!row) return records;
    DD_TRY(auto record, record_of_row(statement));
    records.push_back(std::move(record));
  }
}

Result<std::vector<UploadId>> all_ids(sqlite::Statement statement) {
  std::vector<UploadId> ids;
  while (true) {
    DD_TRY(const bool row, statement.step());
    if (!row) return ids;
    DD_TRY(const auto id, UploadId::parse(statement.text(0)));
    ids.push_back(id);
  }
}

Result<std::optional<UploadRecord>> first_row(sqlite::Statement statement) {
  DD_TRY(const bool row, statement.step());
  if (!row) return std::optional<UploadRecord>();
  DD_TRY(auto record, record_of_row(statement));
  return std::optional<UploadRecord>(std::move(record));
}

Result<void> keep_bytes(sqlite::Database& database, const UploadId& upload, std::string_view bytes) {
  const std::string id = upload.to_string();
  return insert(database, "unsynced", std::to_array<Cell>({{"upload_id", id}, {"bytes", Blob{bytes}}}));
}

Result<void> keep_answer_in(sqlite::Database& database, const AnswerToKeep& keep) {
  const std::string request = keep.answer.request.to_hex();
  const std::string upload = keep.answer.upload_id.to_string();
  DD_TRY(insert(database, "answers",
                std::to_array<Cell>({{"idempotency_key", keep.key},
                                     {"request", request},
                                     {"kept_ms", keep.at.unix_ms},
                                     {"status", to_string(keep.answer.status)},
                                     {"upload_id", upload},
                                     {"answer", keep.answer.json}}),
                "ON CONFLICT (idempotency_key) DO UPDATE SET request = excluded.request, kept_ms = "
                "excluded.kept_ms, status = excluded.status, upload_id = excluded.upload_id, answer = "
                "excluded.answer WHERE kept_ms < ?",
                keep.free_if_before.unix_ms));
  return database.changes() == 1 ? success() : Result<void>(key_reused(keep.key));
}

Error no_such_table(const TableRef& table) {
  return {ErrorCode::not_found, "no-such-table", fmt::format("there is no table {}", table.to_string()),
          "list the tables to see their names"};
}

Error no_such_version(const UploadRecord& last, Version version) {
  return {ErrorCode::not_found, "no-such-version",
          fmt::format("{} has no version {}; its last is {}", last.table.to_string(), version.value,
                      last.version->value),
          "list the table's versions"};
}

Error other_spelling(const TableRef& table, std::string_view noun, std::string_view asked,
                     std::string_view known) {
  return {ErrorCode::conflict, "name-differs-in-case",
          fmt::format("{} of {} is known as \"{}\"", noun, table.to_string(), known),
          fmt::format("write \"{}\" instead of \"{}\", or choose a name that differs in more than case",
                      known, asked)};
}

}  // namespace

Result<std::unique_ptr<Catalog>> Catalog::open(const std::filesystem::path& path) {
  DD_TRY(auto writer, open_catalog(path));
  // Open the reader after the migration: in an empty file it would see no tables.
  DD_TRY(auto reader, sqlite::Database::open(path, sqlite::Access::read_only));
  reader.set_repair(repair_of_catalog(path));
  return std::unique_ptr<Catalog>(new Catalog(std::move(writer), std::move(reader)));
}

/// Tests use the steps to stop the process, or to make the commit fail before or after it takes effect.
Catalog::Catalog(sqlite::Database writer, sqlite::Database reader)
    : writer_(std::move(writer),
              {nullptr, [path = reader.path()] { return pass_step("catalog.commit", path); },
               [path = reader.path()] { return pass_step("catalog.committed", path); }}),
      reader_(std::move(reader)) {}

Result<std::optional<ArchiveId>> Catalog::archive_id() {
  const std::lock_guard lock(mutex_);
  DD_TRY(auto statement, reader_.prepare("SELECT archive_id FROM archive"));
  DD_TRY(const bool row, statement.step());
  if (!row) return std::optional<ArchiveId>();
  DD_TRY(const auto id, ArchiveId::parse(statement.text(0)));
  return std::optional(id);
}

Result<void> Catalog::store_archive_id(const ArchiveId& id) {
  const std::string text = id.to_string();
  return writer_.run([&](sqlite::Database& database) -> Result<void> {
    return insert(database, "archive",
                  std::to_array<Cell>({{"only_row", std::int64_t{1}}, {"archive_id", text}}),
                  "ON CONFLICT (only_row) DO UPDATE SET archive_id = excluded.archive_id");
  });
}

Result<void> Catalog::check_spelling(const TableRef& table) {
  const std::lock_guard lock(mutex_);
  return check_spelling_in(reader_, table);
}

Result<void> Catalog::check_spelling_in(sqlite::Database& database, const TableRef& table) {
  const TableRef folded = table.folded();
  DD_TRY(auto companies, database.prepare("SELECT company_id FROM tables WHERE company_folded = ?1 LIMIT 1"));
  companies.bind(1, folded.company_id);
  DD_TRY(const bool company_known, companies.step());
  if (company_known && companies.text(0) != table.company_id) {
    return other_spelling(table, "the company", table.company_id, companies.text(0));
  }
  DD_TRY(auto tables,
         database.prepare("SELECT table_name FROM tables WHERE company_folded = ?1 AND table_folded = ?2"));
  tables.bind(1, folded.company_id).bind(2, folded.table_name);
  DD_TRY(const bool table_known, tables.step());
  if (table_known && tables.text(0) != table.table_name) {
    return other_spelling(table, "the table", table.table_name, tables.text(0));
  }
  return success();
}

Result<std::optional<UploadRecord>> Catalog::find(const UploadId& upload) {
  const std::lock_guard lock(mutex_);
  const std::string id = upload.to_string();
  DD_TRY(auto statement,
         reader_.prepare(fmt::format("SELECT {} FROM uploads WHERE upload_id = ?1", record_columns())));
  statement.bind(1, id);
  return first_row(std::move(statement));
}

Result<UploadRecord> Catalog::known(const UploadId& upload) {
  DD_TRY(auto found, find(upload));
  if (found) return std::move(*found);
  return Error{ErrorCode::not_found, "no-such-upload", fmt::format("no upload is {}", upload.to_string()),
               "list the uploads to see their ids"};
}

Result<void> Catalog::check_table(const TableRef& table) {
  DD_TRY(const auto last, last_version(table));
  return last ? success() : Result<void>(no_such_table(table));
}

Result<UploadRecord> Catalog::known_version(const TableRef& table, Version version) {
  DD_TRY(auto found, this->version(table, version));
  if (found) return std::move(*found);
  DD_TRY(const auto last, last_version(table));
  if (!last) return no_such_table(table);
  return no_such_version(*last, version);
}

Result<std::optional<UploadRecord>> Catalog::last_version(const TableRef& table) {
  const std::lock_guard lock(mutex_);
  DD_TRY(auto statement,
         reader_.prepare(
             fmt::format("SELECT {} FROM uploads WHERE company_id = ?1 AND table_name = ?2 AND version IS "
                         "NOT NULL ORDER BY version DESC LIMIT 1",
                         record_columns())));
  statement.bind(1, table.company_id).bind(2, table.table_name);
  return first_row(std::move(statement));
}

Result<std::optional<UploadRecord>> Catalog::version(const TableRef& table, Version version) {
  DD_TRY(auto found, versions(table, version, 1));
  if (found.empty() || found.front().version != version) return std::optional<UploadRecord>();
  return std::optional<UploadRecord>(std::move(found.front()));
}

Result<std::vector<UploadRecord>> Catalog::versions(const TableRef& table, Version first,
                                                    std::int64_t limit) {
  const std::lock_guard lock(mutex_);
  DD_TRY(auto statement,
         reader_.prepare(
             fmt::format("SELECT {} FROM uploads WHERE company_id = ?1 AND table_name = ?2 AND version >= "
                         "?3 ORDER BY version LIMIT ?4",
                         record_columns())));
  statement.bind(1, table.company_id).bind(2, table.table_name).bind(3, first.value).bind(4, limit);
  return all_rows(std::move(statement));
}

namespace {

/// Returns true if only few uploads are in the state.
bool is_rare(const std::optional<UploadState>& state) { return state && state != UploadState::published; }

std::string_view index_of(const UploadFilter& filter) {
  if (is_rare(filter.state)) {
    return filter.table ? "INDEXED BY uploads_of_table_not_published" : "INDEXED BY uploads_not_published";
  }
  return filter.table ? "INDEXED BY uploads_of_table" : "";
}

}  // namespace

Result<std::vector<UploadRecord>> Catalog::list(const UploadFilter& filter) {
  const std::lock_guard lock(mutex_);
  const std::string before = filter.before ? filter.before->to_string() : std::string();
  const std::string state(filter.state ? to_string(*filter.state) : "");
  std::string sql = fmt::format("SELECT {} FROM uploads {} WHERE TRUE", record_columns(), index_of(filter));
  if (is_rare(filter.state)) sql += " AND state <> 'published'";  // repeats the condition of the index
  if (filter.table) sql += " AND company_id = ?2 AND table_name = ?3";
  if (filter.state) sql += " AND state = ?4";
  if (filter.before) sql += " AND upload_id < ?5";
  DD_TRY(auto statement, reader_.prepare(sql + " ORDER BY upload_id DESC LIMIT ?1"));
  statement.bind(1, filter.limit);
  if (filter.table) statement.bind(2, filter.table->company_id).bind(3, filter.table->table_name);
  if (filter.state) statement.bind(4, state);
  if (filter.before) statement.bind(5, before);
  return all_rows(std::move(statement));
}

/// If the last version changed nothing, the last version before it with changes tells when the table changed.
Result<TableRecord> Catalog::table_record(UploadRecord last) {
  TableRecord table{last.table, last.reading.key_column, last.version->value, {}, {}};
  if (last.outcome.counts.changes() > 0) {
    table.changed_at = last.times.timestamp;
  } else if (last.previous_upload_id) {
    DD_TRY(const auto changing, find(*last.previous_upload_id));
    if (changing) table.changed_at = changing->times.timestamp;
  }
  table.last = std::move(last);
  return table;
}

Result<std::optional<TableRecord>> Catalog::table(const TableRef& table) {
  DD_TRY(auto last, last_version(table));
  if (!last) return std::optional<TableRecord>();
  DD_TRY(auto record, table_record(std::move(*last)));
  return std::optional<TableRecord>(std::move(record));
}

Result<std::vector<TableRecord>> Catalog::tables(const TableFilter& filter) {
  std::vector<UploadRecord> records;
  {
    const std::lock_guard lock(mutex_);
    const std::string_view after =
        filter.after ? "AND (tables.company_id, tables.table_name) > (?2, ?3) " : std::string_view();
    // Go through the tables (CROSS JOIN keeps the order) and find each one's last version in the index of
    // versions. This index has no rows without a version, which matters if there are many tables.
    DD_TRY(auto statement,
           reader_.prepare(fmt::format(
               "SELECT {} FROM tables CROSS JOIN uploads u USING (company_id, table_name) "
               "WHERE u.version = (SELECT max(version) FROM uploads v WHERE v.company_id = tables.company_id "
               "AND v.table_name = tables.table_name AND v.version IS NOT NULL) {}ORDER BY company_id, "
               "table_name LIMIT ?1",
               record_columns(), after)));
    statement.bind(1, filter.limit.value_or(-1));
    if (filter.after) statement.bind(2, filter.after->company_id).bind(3, filter.after->table_name);
    DD_TRY(records, all_rows(std::move(statement)));
  }
  std::vector<TableRecord> tables;
  tables.reserve(records.size());
  for (auto& last : records) {
    DD_TRY(auto table, table_record(std::move(last)));
    tables.push_back(std::move(table));
  }
  return tables;
}

Result<std::vector<UploadRecord>> Catalog::unpublished() {
  const std::lock_guard lock(mutex_);
  DD_TRY(auto statement,
         reader_.prepare(fmt::format(
             "SELECT {} FROM uploads WHERE state = 'accepted' ORDER BY company_id, table_name, version",
             record_columns())));
  return all_rows(std::move(statement));
}

Result<std::vector<UploadId>> Catalog::held() {
  const std::lock_guard lock(mutex_);
  DD_TRY(auto statement, reader_.prepare("SELECT upload_id FROM uploads WHERE state = 'held'"));
  return all_ids(std::move(statement));
}

Result<std::vector<UploadRecord>> Catalog::held_aged_before(Timestamp held, Timestamp dry_runs) {
  const std::lock_guard lock(mutex_);
  DD_TRY(auto statement,
         reader_.prepare(fmt::format("SELECT {} FROM uploads WHERE state = 'held' AND aged_from_ms < "
                                     "CASE dry_run WHEN 1 THEN ?2 ELSE ?1 END",
                                     record_columns())));
  statement.bind(1, held.unix_ms).bind(2, dry_runs.unix_ms);
  return all_rows(std::move(statement));
}

Result<std::optional<io::ClockMark>> Catalog::clock_mark() {
  const std::lock_guard lock(mutex_);
  DD_TRY(auto row, reader_.prepare(fmt::format("SELECT {} FROM clock", kClockRow.text())));
  DD_TRY(const bool found, row.step());
  if (!found) return std::optional<io::ClockMark>();
  using std::chrono::milliseconds;
  return std::optional(io::ClockMark{.boot_id = std::string(row.text(kClockRow.at("boot_id"))),
                                     .uptime = milliseconds(row.number(kClockRow.at("uptime_ms"))),
                                     .expected = Timestamp{row.number(kClockRow.at("expected_ms"))},
                                     .is_earliest = row.number(kClockRow.at("is_earliest")) != 0,
                                     .asked = time_of(row.optional_number(kClockRow.at("asked_ms"))),
                                     .measured = Timestamp{row.number(kClockRow.at("measured_ms"))},
                                     .agreed_lag = milliseconds(row.number(kClockRow.at("agreed_lag_ms")))});
}

Result<void> Catalog::keep_clock_mark(const io::ClockMark& mark) {
  return writer_.run([&](sqlite::Database& database) -> Result<void> {
    DD_TRY(database.execute("DELETE FROM clock"));
    return insert(database, "clock",
                  std::to_array<Cell>({{"one", std::int64_t{1}},
                                       {"boot_id", mark.boot_id},
                                       {"uptime_ms", mark.uptime.count()},
                                       {"expected_ms", mark.expected.unix_ms},
                                       {"is_earliest", std::int64_t{mark.is_earliest}},
                                       {"asked_ms", value_or_null(unix_ms_of(mark.asked))},
                                       {"measured_ms", mark.measured.unix_ms},
                                       {"agreed_lag_ms", mark.agreed_lag.count()}}));
  });
}

Result<CatalogCounts> Catalog::counts() {
  const std::lock_guard lock(mutex_);
  DD_TRY(auto statement,
         reader_.prepare(
             "SELECT coalesce(sum(state = 'held'), 0), coalesce(sum(state = 'accepted'), 0) FROM uploads "
             "WHERE state IN ('held', 'accepted')"));
  DD_TRY(statement.step());
  return CatalogCounts{statement.number(0), statement.number(1)};
}

Result<std::vector<UploadId>> Catalog::with_bytes() {
  const std::lock_guard lock(mutex_);
  DD_TRY(auto statement, reader_.prepare("SELECT upload_id FROM unsynced ORDER BY upload_id"));
  return all_ids(std::move(statement));
}

Result<std::optional<std::string>> Catalog::bytes(const UploadId& upload) {
  const std::lock_guard lock(mutex_);
  const std::string id = upload.to_string();
  DD_TRY(auto statement, reader_.prepare("SELECT bytes FROM unsynced WHERE upload_id = ?1"));
  statement.bind(1, id);
  DD_TRY(const bool row, statement.step());
  if (!row) return std::optional<std::string>();
  return std::optional<std::string>(statement.text(0));
}

Result<void> Catalog::put(sqlite::Database& database, const UploadRecord& upload) {
  const std::string id = upload.upload_id.to_string();
  const std::string record = record_to_json(upload);
  const auto& times = upload.times;
  return insert(
      database, "uploads",
      std::to_array<Cell>({{"upload_id", id},
                           {"company_id", upload.table.company_id},
                           {"table_name", upload.table.table_name},
                           {"state", to_string(upload.state)},
                           {"version", upload.version ? Cell::Value(upload.version->value) : Cell::Value()},
                           {"aged_from_ms", times.aged_from.value_or(times.received_at).unix_ms},
                           {"published_ms", value_or_null(unix_ms_of(times.published_at))},
                           {"dry_run", std::int64_t{upload.dry_run}},
                           {"record", record},
                           {"spooled_ms", value_or_null(unix_ms_of(times.steps.received))},
                           {"compared_ms", value_or_null(unix_ms_of(times.steps.compared))}}),
      "ON CONFLICT (upload_id) DO UPDATE SET state = excluded.state, version = excluded.version, "
      "published_ms = excluded.published_ms, record = excluded.record");
}

Result<std::optional<KeptAnswer>> Catalog::answer_of(const std::string& key, Timestamp since) {
  const std::lock_guard lock(mutex_);
  DD_TRY(auto statement,
         reader_.prepare(fmt::format("SELECT {} FROM answers WHERE idempotency_key = ?1 AND kept_ms >= ?2",
                                     kAnswerRow.text())));
  statement.bind(1, key).bind(2, since.unix_ms);
  DD_TRY(const bool row, statement.step());
  if (!row) return std::optional<KeptAnswer>();
  KeptAnswer answer;
  DD_TRY(answer.request, Sha256::parse(statement.text(kAnswerRow.at("request"))));
  DD_TRY(answer.status, parse_status(statement.text(kAnswerRow.at("status"))));
  DD_TRY(answer.upload_id, UploadId::parse(statement.text(kAnswerRow.at("upload_id"))));
  answer.json = statement.text(kAnswerRow.at("answer"));
  return std::optional<KeptAnswer>(std::move(answer));
}

Result<bool> Catalog::has_answers_before(Timestamp before) {
  const std::lock_guard lock(mutex_);
  DD_TRY(auto statement, reader_.prepare("SELECT 1 FROM answers WHERE kept_ms < ?1 LIMIT 1"));
  statement.bind(1, before.unix_ms);
  return statement.step();
}

Result<void> Catalog::keep_answer(const AnswerToKeep& answer) {
  return writer_.run([&](sqlite::Database& database) { return keep_answer_in(database, answer); });
}

Result<void> Catalog::forget_answers_before(Timestamp before) {
  return writer_.run([&](sqlite::Database& database) -> Result<void> {
    DD_TRY(auto statement, database.prepare("DELETE FROM answers WHERE kept_ms < ?1"));
    statement.bind(1, before.unix_ms);
    return statement.run();
  });
}

Result<void> Catalog::add_held(const UploadRecord& upload, const std::optional<AnswerToKeep>& answer) {
  return writer_.run([&](sqlite::Database& database) -> Result<void> {
    DD_TRY(put(database, upload));
    return answer ? keep_answer_in(database, *answer) : success();
  });
}

Result<void> Catalog::add_version(const UploadRecord& upload, std::optional<std::string_view> bytes,
                                  const std::optional<AnswerToKeep>& answer) {
  auto added = writer_.run([&](sqlite::Database& database) -> Result<void> {
    DD_TRY(check_spelling_in(database, upload.table));
    const TableRef folded = upload.table.folded();
    DD_TRY(insert(database, "tables",
                  std::to_array<Cell>({{"company_id", upload.table.company_id},
                                       {"table_name", upload.table.table_name},
                                       {"company_folded", folded.company_id},
                                       {"table_folded", folded.table_name}}),
                  "ON CONFLICT (company_id, table_name) DO NOTHING"));
    DD_TRY(put(database, upload));
    if (answer) {
      DD_TRY(keep_answer_in(database, *answer));
    }
    return bytes ? keep_bytes(database, upload.upload_id, *bytes) : success();
  });
  note_version(upload.table);  // the commit may have succeeded despite an error
  return added;
}

/// Call it after the commit, so that a caller who learns of the version finds it.
void Catalog::note_version(const TableRef& table) {
  const std::lock_guard lock(versions_mutex_);
  const auto [at, is_new] = version_of_table_.try_emplace(table, next_version_);
  if (!is_new) {
    tables_by_version_.erase(at->second);
    at->second = next_version_;
  }
  tables_by_version_.emplace(next_version_++, table);
}

Acceptances Catalog::accepted_since(std::uint64_t number) {
  const std::lock_guard lock(versions_mutex_);
  Acceptances since{{}, next_version_};
  for (auto at = tables_by_version_.lower_bound(number); at != tables_by_version_.end(); ++at) {
    since.tables.push_back(at->second);
  }
  return since;
}

Result<void> Catalog::forget_bytes(const std::vector<UploadId>& uploads) {
  return writer_.run([&](sqlite::Database& database) -> Result<void> {
    for (const auto& upload : uploads) {
      const std::string id = upload.to_string();
      DD_TRY(auto statement, database.prepare("DELETE FROM unsynced WHERE upload_id = ?1"));
      statement.bind(1, id);
      DD_TRY(statement.run());
    }
    return success();
  });
}

Result<void> Catalog::end_held(const UploadId& upload, UploadState state) {
  const std::string id = upload.to_string();
  return writer_.run([&](sqlite::Database& database) -> Result<void> {
    DD_TRY(auto statement,
           database.prepare("UPDATE uploads SET state = ?2 WHERE upload_id = ?1 AND state = 'held'"));
    statement.bind(1, id).bind(2, to_string(state));
    return statement.run();
  });
}

Result<void> Catalog::mark_published(const UploadId& upload, Timestamp at) {
  const std::string id = upload.to_string();
  return writer_.run([&](sqlite::Database& database) -> Result<void> {
    DD_TRY(auto statement, database.prepare("UPDATE uploads SET state = 'published', published_ms = ?2 "
                                            "WHERE upload_id = ?1 AND state = 'accepted'"));
    statement.bind(1, id).bind(2, at.unix_ms);
    return statement.run();
  });
}

Result<void> Catalog::check_known(const RepublishRequest& request) {
  if (!request.table) return success();
  DD_TRY(const auto last, last_version(*request.table));
  if (!last) return no_such_table(*request.table);
  return request.from <= *last->version ? success() : Result<void>(no_such_version(*last, request.from));
}

Result<std::vector<UploadRecord>> Catalog::mark_unpublished(const RepublishRequest& request) {
  DD_TRY(check_known(request));
  const std::string where = fmt::format("state = 'published' AND version >= ?1{}",
                                        request.table ? " AND company_id = ?2 AND table_name = ?3" : "");
  const auto bind = [&](sqlite::Statement& statement) {
    statement.bind(1, request.from.value);
    if (request.table) statement.bind(2, request.table->company_id).bind(3, request.table->table_name);
  };
  std::vector<UploadRecord> marked;
  DD_TRY(writer_.run([&](sqlite::Database& database) -> Result<void> {
    {
      DD_TRY(auto statement, database.prepare(fmt::format(
                                 "SELECT {} FROM uploads WHERE {} ORDER BY company_id, table_name, version",
                                 record_columns(), where)));
      bind(statement);
      DD_TRY(marked, all_rows(std::move(statement)));
    }
    DD_TRY(auto statement,
           database.prepare(
               fmt::format("UPDATE uploads SET state = 'accepted', published_ms = NULL WHERE {}", where)));
    bind(statement);
    return statement.run();
  }));
  for (auto& upload : marked) {
    upload.state = UploadState::accepted;
    upload.times.published_at.reset();
  }
  return marked;
}

Result<std::optional<UploadRecord>> Catalog::settle(const UploadId& upload) {
  DD_TRY(writer_.run(
      [](sqlite::Database& database) { return database.execute("UPDATE writes SET n = n + 1"); }));
  auto found = find(upload);
  if (found.has_value() && found.value() && found.value()->version) note_version(found.value()->table);
  return found;
}

}  // namespace deltadrop::ingest
