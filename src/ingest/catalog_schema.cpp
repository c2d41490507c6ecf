#include "ingest/catalog_schema.hpp"

#include <fmt/format.h>

#include <array>
#include <string_view>
#include <utility>

namespace deltadrop::ingest {
namespace {

constexpr auto kMigrations =
    std::to_array<std::string_view>({R"sql(
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
                                     // From this migration on, aged_from_ms and kept_ms are measured times
                                     // (io::ClockWatch::measured_now). Measured time starts at the newest
                                     // earlier value.
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
                                     // Listing the uploads of a table, or those in a rare state, must not
                                     // scan all uploads.
                                     R"sql(
CREATE INDEX uploads_of_table ON uploads (company_id, table_name, upload_id);
CREATE INDEX uploads_not_published ON uploads (state, upload_id) WHERE state <> 'published';
CREATE INDEX uploads_of_table_not_published ON uploads (company_id, table_name, state, upload_id)
  WHERE state <> 'published';
)sql"});

Error not_a_catalog(const std::filesystem::path& path, std::string_view what) {
  return {ErrorCode::corrupt, "not-a-catalog", fmt::format("{} is not a catalog: {}", path.string(), what),
          repair_of_catalog(path)};
}

/// Fails if the database has tables but none of our migrations: it belongs to another program.
Result<void> refuse_other_database(sqlite::Database& database) {
  DD_TRY(auto version, database.prepare("PRAGMA user_version"));
  DD_TRY(version.step());
  if (version.number(0) != 0) return success();
  DD_TRY(auto tables, database.prepare("SELECT count(*) FROM sqlite_master"));
  DD_TRY(tables.step());
  if (tables.number(0) == 0) return success();
  return not_a_catalog(database.path(), "it is the database of another program");
}

}  // namespace

std::string repair_of_catalog(const std::filesystem::path& path) {
  return fmt::format(
      "stop the server and run `deltadrop rebuild catalog --data-dir {}`, which makes it again from the "
      "archive; "
      "or put back a backup of it that was made after the last upload",
      path.parent_path().string());
}

Result<sqlite::Database> open_catalog(const std::filesystem::path& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) return not_a_catalog(path, "it is a folder");
  auto opened = sqlite::Database::open(path);
  if (!opened.has_value()) {
    Error error = std::move(opened).error();
    if (error.code == ErrorCode::corrupt) error.fix = repair_of_catalog(path);
    if (error.code == ErrorCode::unavailable) {
      error.fix =
          "the catalog itself may be right: let this user read and write the file and its folder, and "
          "check the disk";
    }
    return error;
  }
  sqlite::Database database = std::move(opened).value();
  database.set_repair(repair_of_catalog(path));
  DD_TRY(refuse_other_database(database));
  DD_TRY(database.migrate(kMigrations));
  for (const auto* table : {"tables", "uploads", "unsynced", "answers", "writes"}) {
    if (!database.prepare(fmt::format("SELECT 1 FROM {} LIMIT 1", table)).has_value()) {
      return not_a_catalog(path, fmt::format("it has no table {}", table));
    }
  }
  return database;
}

}  // namespace deltadrop::ingest
