#include "ingest/catalog.hpp"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "core/text.hpp"
#include "ingest/archive.hpp"
#include "ingest/manifest.hpp"

namespace deltadrop::ingest {
namespace {

constexpr std::array<std::string_view, 6> kMigrations = {R"sql(
CREATE TABLE tables (
  company_id TEXT NOT NULL,
  table_name TEXT NOT NULL,
  company_folded TEXT NOT NULL,
  table_folded TEXT NOT NULL,
  PRIMARY KEY (company_id, table_name),
  UNIQUE (company_folded, table_folded)
);
CREATE TABLE uploads (
  upload_id TEXT PRIMARY KEY,
  company_id TEXT NOT NULL,
  table_name TEXT NOT NULL,
  state TEXT NOT NULL,
  version INTEGER,
  received_ms INTEGER NOT NULL,
  published_ms INTEGER,
  dry_run INTEGER NOT NULL,
  record TEXT NOT NULL
);
CREATE UNIQUE INDEX uploads_by_version ON uploads (company_id, table_name, version) WHERE version IS NOT NULL;
CREATE INDEX uploads_at_work ON uploads (state) WHERE state IN ('held', 'accepted');
CREATE TABLE writes (n INTEGER NOT NULL);
INSERT INTO writes VALUES (0);
)sql",
                                                         R"sql(
CREATE TABLE unsynced (upload_id TEXT PRIMARY KEY, bytes BLOB NOT NULL);
)sql",
                                                         R"sql(
ALTER TABLE uploads ADD COLUMN spooled_ms INTEGER;
ALTER TABLE uploads ADD COLUMN compared_ms INTEGER;
CREATE TABLE answers (
  idempotency_key TEXT PRIMARY KEY,
  request TEXT NOT NULL,
  kept_ms INTEGER NOT NULL,
  status TEXT NOT NULL,
  upload_id TEXT NOT NULL,
  answer TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX answers_by_age ON answers (kept_ms);
)sql",
                                                         // From here on, aged_from_ms and kept_ms are times
                                                         // that were measured (io::ClockWatch::measured_now).
                                                         // The newest of before is where that begins.
                                                         R"sql(
ALTER TABLE uploads RENAME COLUMN received_ms TO aged_from_ms;
CREATE TABLE clock (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  boot_id TEXT NOT NULL,
  uptime_ms INTEGER NOT NULL,
  expected_ms INTEGER NOT NULL,
  is_earliest INTEGER NOT NULL,
  asked_ms INTEGER,
  measured_ms INTEGER NOT NULL,
  agreed_lag_ms INTEGER NOT NULL
);
INSERT INTO clock
  SELECT 1, '', 0, newest, 0, NULL, newest, 0
  FROM (SELECT max(ms) AS newest FROM (SELECT max(aged_from_ms) AS ms FROM uploads
                                       UNION ALL SELECT max(kept_ms) FROM answers))
  WHERE newest IS NOT NULL;
)sql",
                                                         R"sql(
CREATE TABLE archive (only_row INTEGER PRIMARY KEY CHECK (only_row = 1), archive_id TEXT NOT NULL);
)sql",
                                                         // A list of the uploads of a table, or of those in a
                                                         // rare state, must not go through all others.
                                                         R"sql(
CREATE INDEX uploads_of_table ON uploads (company_id, table_name, upload_id);
CREATE INDEX uploads_not_published ON uploads (state, upload_id) WHERE state <> 'published';
CREATE INDEX uploads_of_table_not_published ON uploads (company_id, table_name, state, upload_id)
  WHERE state <> 'published';
)sql"};

constexpr std::string_view kColumns = "state, published_ms, record, spooled_ms, compared_ms, aged_from_ms";

/// Never taken for a known word: whatever a newer program means by it is not for this one to delete.
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
  DD_TRY(auto record, record_from_json(row.text(2)));
  DD_TRY(record.state, parse_state(row.text(0)));
  record.times.published_at = time_of(row.optional_number(1));
  record.times.steps = {time_of(row.optional_number(3)), time_of(row.optional_number(4))};
  record.times.aged_from = time_of(row.optional_number(5));
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
  DD_TRY(auto statement, database.prepare("INSERT INTO unsynced VALUES (?1, ?2)"));
  statement.bind(1, id).bind_blob(2, bytes);
  return statement.run();
}

Result<void> keep_answer_in(sqlite::Database& database, const AnswerToKeep& keep) {
  const std::string request = keep.answer.request.to_hex();
  const std::string upload = keep.answer.upload_id.to_string();
  DD_TRY(
      auto statement,
      database.prepare("INSERT INTO answers VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (idempotency_key) DO "
                       "UPDATE SET request = excluded.request, kept_ms = excluded.kept_ms, status = "
                       "excluded.status, upload_id = excluded.upload_id, answer = excluded.answer "
                       "WHERE kept_ms < ?7"));
  statement.bind(1, keep.key).bind(2, request).bind(3, keep.at.unix_ms);
  statement.bind(4, to_string(keep.answer.status)).bind(5, upload).bind(6, keep.answer.json);
  statement.bind(7, keep.free_if_before.unix_ms);
  DD_TRY(statement.run());
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

namespace {

/// `deltadrop rebuild catalog` reads what it can of the old one, and needs only the archive.
std::string repair_of(const std::filesystem::path& path) {
  return fmt::format(
      "stop the server and run `deltadrop rebuild catalog --data-dir {}`, which makes it again from the "
      "archive; "
      "or put back a backup of it that was made after the last upload",
      path.parent_path().string());
}

Error not_a_catalog(const std::filesystem::path& path, std::string_view what) {
  return {ErrorCode::corrupt, "not-a-catalog", fmt::format("{} is not a catalog: {}", path.string(), what),
          repair_of(path)};
}

/// A database without our migrations has none of our tables, and is empty unless it is another program's.
Result<void> refuse_other_database(sqlite::Database& database) {
  DD_TRY(auto version, database.prepare("PRAGMA user_version"));
  DD_TRY(version.step());
  if (version.number(0) != 0) return success();
  DD_TRY(auto tables, database.prepare("SELECT count(*) FROM sqlite_master"));
  DD_TRY(tables.step());
  if (tables.number(0) == 0) return success();
  return not_a_catalog(database.path(), "it is the database of another program");
}

Result<sqlite::Database> open_writer(const std::filesystem::path& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) return not_a_catalog(path, "it is a folder");
  auto opened = sqlite::Database::open(path);
  if (!opened.has_value()) {
    Error error = std::move(opened).error();
    if (error.code == ErrorCode::corrupt) error.fix = repair_of(path);
    if (error.code == ErrorCode::unavailable) {
      error.fix =
          "the catalog itself may be right: let this user read and write the file and its folder, and "
          "check the disk";
    }
    return error;
  }
  sqlite::Database database = std::move(opened).value();
  database.set_repair(repair_of(path));
  DD_TRY(refuse_other_database(database));
  DD_TRY(database.migrate(kMigrations));
  for (const auto* table : {"tables", "uploads", "unsynced", "answers", "writes"}) {
    if (!database.prepare(fmt::format("SELECT 1 FROM {} LIMIT 1", table)).has_value()) {
      return not_a_catalog(path, fmt::format("it has no table {}", table));
    }
  }
  return database;
}

}  // namespace

Result<std::unique_ptr<Catalog>> Catalog::open(const std::filesystem::path& path) {
  DD_TRY(auto writer, open_writer(path));
  // After the migration: a reader of an empty file would see no tables.
  DD_TRY(auto reader, sqlite::Database::open(path, sqlite::Access::read_only));
  reader.set_repair(repair_of(path));
  return std::unique_ptr<Catalog>(new Catalog(std::move(writer), std::move(reader)));
}

/// At the steps a test may stop the process, or make the commit fail before or after it took effect.
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
    DD_TRY(auto statement, database.prepare("INSERT INTO archive VALUES (1, ?1) ON CONFLICT (only_row) DO "
                                            "UPDATE SET archive_id = excluded.archive_id"));
    statement.bind(1, text);
    return statement.run();
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
         reader_.prepare(fmt::format("SELECT {} FROM uploads WHERE upload_id = ?1", kColumns)));
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
                         kColumns)));
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
                         kColumns)));
  statement.bind(1, table.company_id).bind(2, table.table_name).bind(3, first.value).bind(4, limit);
  return all_rows(std::move(statement));
}

namespace {

std::string_view index_of(const UploadFilter& filter) {
  const bool rare = filter.state && filter.state != UploadState::published;
  if (rare) {
    return filter.table ? "INDEXED BY uploads_of_table_not_published" : "INDEXED BY uploads_not_published";
  }
  return filter.table ? "INDEXED BY uploads_of_table" : "";
}

}  // namespace

Result<std::vector<UploadRecord>> Catalog::list(const UploadFilter& filter) {
  const std::lock_guard lock(mutex_);
  const std::string before = filter.before ? filter.before->to_string() : std::string();
  const std::string state(filter.state ? to_string(*filter.state) : "");
  const bool rare = filter.state && filter.state != UploadState::published;
  std::string sql = fmt::format("SELECT {} FROM uploads {} WHERE TRUE", kColumns, index_of(filter));
  if (rare) sql += " AND state <> 'published'";  // as the index says
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

/// Of a last version that changed nothing, the one before it with changes says when the table changed.
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
    // Table by table (CROSS JOIN keeps the order), its last version by the index of versions, which has no
    // row without one: there may be many tables.
    DD_TRY(auto statement,
           reader_.prepare(fmt::format(
               "SELECT {} FROM tables CROSS JOIN uploads u USING (company_id, table_name) "
               "WHERE u.version = (SELECT max(version) FROM uploads v WHERE v.company_id = tables.company_id "
               "AND v.table_name = tables.table_name AND v.version IS NOT NULL) {}ORDER BY company_id, "
               "table_name LIMIT ?1",
               kColumns, after)));
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
             kColumns)));
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
                                     kColumns)));
  statement.bind(1, held.unix_ms).bind(2, dry_runs.unix_ms);
  return all_rows(std::move(statement));
}

Result<std::optional<io::ClockMark>> Catalog::clock_mark() {
  const std::lock_guard lock(mutex_);
  DD_TRY(auto statement,
         reader_.prepare("SELECT boot_id, uptime_ms, expected_ms, is_earliest, asked_ms, measured_ms, "
                         "agreed_lag_ms FROM clock"));
  DD_TRY(const bool row, statement.step());
  if (!row) return std::optional<io::ClockMark>();
  using std::chrono::milliseconds;
  return std::optional(io::ClockMark{std::string(statement.text(0)), milliseconds(statement.number(1)),
                                     Timestamp{statement.number(2)}, statement.number(3) != 0,
                                     time_of(statement.optional_number(4)), Timestamp{statement.number(5)},
                                     milliseconds(statement.number(6))});
}

Result<void> Catalog::keep_clock_mark(const io::ClockMark& mark) {
  return writer_.run([&](sqlite::Database& database) -> Result<void> {
    DD_TRY(auto statement,
           database.prepare("INSERT OR REPLACE INTO clock VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7)"));
    statement.bind(1, mark.boot_id).bind(2, mark.uptime.count()).bind(3, mark.expected.unix_ms);
    statement.bind(4, std::int64_t{mark.is_earliest}).bind(5, unix_ms_of(mark.asked));
    statement.bind(6, mark.measured.unix_ms).bind(7, mark.agreed_lag.count());
    return statement.run();
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
  std::optional<std::int64_t> version;
  if (upload.version) version = upload.version->value;
  const auto published_ms = unix_ms_of(upload.times.published_at);
  DD_TRY(auto statement,
         database.prepare("INSERT INTO uploads (upload_id, company_id, table_name, state, version, "
                          "aged_from_ms, published_ms, dry_run, record, spooled_ms, compared_ms) VALUES "
                          "(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) ON CONFLICT (upload_id) DO UPDATE "
                          "SET state = excluded.state, "
                          "version = excluded.version, published_ms = excluded.published_ms, "
                          "record = excluded.record"));
  statement.bind(1, id).bind(2, upload.table.company_id).bind(3, upload.table.table_name);
  statement.bind(4, to_string(upload.state))
      .bind(5, version)
      .bind(6, upload.times.aged_from.value_or(upload.times.received_at).unix_ms);
  statement.bind(7, published_ms).bind(8, std::int64_t{upload.dry_run}).bind(9, record);
  statement.bind(10, unix_ms_of(upload.times.steps.received))
      .bind(11, unix_ms_of(upload.times.steps.compared));
  return statement.run();
}

Result<std::optional<KeptAnswer>> Catalog::answer_of(const std::string& key, Timestamp since) {
  const std::lock_guard lock(mutex_);
  DD_TRY(auto statement, reader_.prepare("SELECT request, status, upload_id, answer FROM answers WHERE "
                                         "idempotency_key = ?1 AND kept_ms >= ?2"));
  statement.bind(1, key).bind(2, since.unix_ms);
  DD_TRY(const bool row, statement.step());
  if (!row) return std::optional<KeptAnswer>();
  KeptAnswer answer;
  DD_TRY(answer.request, Sha256::parse(statement.text(0)));
  DD_TRY(answer.status, parse_status(statement.text(1)));
  DD_TRY(answer.upload_id, UploadId::parse(statement.text(2)));
  answer.json = statement.text(3);
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
    {
      const TableRef folded = upload.table.folded();
      DD_TRY(auto statement,
             database.prepare("INSERT INTO tables VALUES (?1, ?2, ?3, ?4) ON CONFLICT (company_id, "
                              "table_name) DO NOTHING"));
      statement.bind(1, upload.table.company_id).bind(2, upload.table.table_name);
      statement.bind(3, folded.company_id).bind(4, folded.table_name);
      DD_TRY(statement.run());
    }
    DD_TRY(put(database, upload));
    if (answer) {
      DD_TRY(keep_answer_in(database, *answer));
    }
    return bytes ? keep_bytes(database, upload.upload_id, *bytes) : success();
  });
  note_version(upload.table);  // an error may hide a success
  return added;
}

/// After the commit, so that who hears of it finds it.
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
                                 kColumns, where)));
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
