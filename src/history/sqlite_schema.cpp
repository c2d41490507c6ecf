#include <array>
#include <string_view>

#include "core/values_json.hpp"
#include "history/sqlite_calls.hpp"
#include "sqlite/functions.hpp"

namespace deltadrop::history::sqlite {
namespace {

namespace db = deltadrop::sqlite;

// Times are RFC 3339 texts in UTC with milliseconds, so their text order is their time order. Ids are
// lower-case UUIDs. JSON is text. Texts are compared by bytes.
//
// cdc_events_by_key serves the history of a key. company_data_open serves the current records and the look-up
// of open rows while applying. The unique key of company_data serves the records at a time.
constexpr auto kMigrations = std::to_array<std::string_view>(
    {R"sql(
CREATE TABLE cdc_events (
  upload_id       TEXT NOT NULL,
  seq             INTEGER NOT NULL CHECK (seq >= 1),
  event_id        TEXT NOT NULL,
  event_type      TEXT NOT NULL CHECK (event_type IN ('insert', 'update', 'delete')),
  company_id      TEXT NOT NULL,
  table_name      TEXT NOT NULL,
  timestamp       TEXT NOT NULL,
  effective_at    TEXT NOT NULL,
  key_column      TEXT NOT NULL,
  key_value       TEXT NOT NULL,
  old_values      TEXT,
  new_values      TEXT,
  changed_columns TEXT NOT NULL,
  file_id         TEXT NOT NULL,
  version         INTEGER NOT NULL,
  line            INTEGER NOT NULL,
  recorded_at     TEXT NOT NULL,
  PRIMARY KEY (upload_id, seq),
  CHECK ((old_values IS NULL) = (event_type = 'insert')),
  CHECK ((new_values IS NULL) = (event_type = 'delete'))
);
CREATE INDEX cdc_events_by_key ON cdc_events (key_value, table_name, company_id);
CREATE TRIGGER cdc_events_refuse_update BEFORE UPDATE ON cdc_events
BEGIN SELECT RAISE(ABORT, 'cdc_events are kept for ever: UPDATE is refused'); END;
CREATE TRIGGER cdc_events_refuse_delete BEFORE DELETE ON cdc_events
BEGIN SELECT RAISE(ABORT, 'cdc_events are kept for ever: DELETE is refused'); END;

CREATE TABLE company_data (
  company_id TEXT NOT NULL,
  table_name TEXT NOT NULL,
  record_key TEXT NOT NULL,
  data       TEXT NOT NULL,
  valid_from TEXT NOT NULL,
  valid_to   TEXT,
  is_current INTEGER NOT NULL,
  upload_id  TEXT NOT NULL,
  UNIQUE (company_id, table_name, record_key, valid_from),
  CHECK (valid_to IS NULL OR valid_from < valid_to),
  CHECK (is_current = (valid_to IS NULL))
);
CREATE UNIQUE INDEX company_data_open ON company_data (company_id, table_name, record_key) WHERE is_current = 1;

CREATE TABLE uploads (
  upload_id          TEXT NOT NULL PRIMARY KEY,
  company_id         TEXT NOT NULL,
  table_name         TEXT NOT NULL,
  version            INTEGER NOT NULL,
  previous_upload_id TEXT,
  file_sha256        TEXT NOT NULL,
  types              TEXT,
  total              INTEGER NOT NULL CHECK (total >= 1),
  state              TEXT NOT NULL CHECK (state IN ('recorded', 'applied', 'blocked', 'conflict')),
  timestamp          TEXT NOT NULL,
  effective_at       TEXT NOT NULL,
  applied_no         INTEGER UNIQUE,
  applied_at         TEXT,
  in_lake_at         TEXT,
  error              TEXT,
  CHECK ((state = 'applied') = (applied_no IS NOT NULL))
);
CREATE UNIQUE INDEX uploads_version ON uploads (company_id, table_name, version) WHERE state <> 'conflict';
CREATE UNIQUE INDEX uploads_chain ON uploads (company_id, table_name, coalesce(previous_upload_id, ''))
  WHERE state <> 'conflict';
CREATE INDEX uploads_to_apply ON uploads (company_id, table_name, version) WHERE state = 'recorded';
CREATE INDEX uploads_in_trouble ON uploads (company_id, table_name, version) WHERE state IN ('blocked', 'conflict');
CREATE INDEX uploads_for_lake ON uploads (company_id, table_name, applied_no)
  WHERE state = 'applied' AND in_lake_at IS NULL;

CREATE TABLE upload_parts (
  upload_id TEXT NOT NULL,
  topic     TEXT NOT NULL,
  partition INTEGER NOT NULL,
  seen      INTEGER NOT NULL,
  PRIMARY KEY (upload_id, topic, partition)
);
CREATE TABLE log_offsets (
  topic       TEXT NOT NULL,
  partition   INTEGER NOT NULL,
  next_offset INTEGER NOT NULL,
  cluster_id  TEXT NOT NULL,
  topic_id    TEXT NOT NULL,
  PRIMARY KEY (topic, partition)
);
CREATE TABLE dead_letters (
  topic_id    TEXT NOT NULL,
  partition   INTEGER NOT NULL,
  log_offset  INTEGER NOT NULL,
  topic       TEXT NOT NULL,
  payload     BLOB NOT NULL,
  reason      TEXT NOT NULL,
  upload_id   TEXT,
  recorded_at TEXT NOT NULL,
  resolved_at TEXT,
  PRIMARY KEY (topic_id, partition, log_offset)
);
CREATE INDEX dead_letters_open ON dead_letters (upload_id) WHERE resolved_at IS NULL;
CREATE TABLE lake_columns (
  company_id  TEXT NOT NULL,
  table_name  TEXT NOT NULL,
  column_name TEXT NOT NULL,
  column_type TEXT NOT NULL,
  PRIMARY KEY (company_id, table_name, column_name)
);
CREATE TABLE applied_counter (
  only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
  last_no  INTEGER NOT NULL
);
INSERT INTO applied_counter (only_row, last_no) VALUES (1, 0);
)sql",
     // REPLACE deletes rows without firing the trigger above. It finds them by the key or by an explicit
     // rowid (-1 without one).
     R"sql(
CREATE TRIGGER cdc_events_refuse_replace BEFORE INSERT ON cdc_events
WHEN EXISTS (SELECT 1 FROM cdc_events WHERE upload_id = NEW.upload_id AND seq = NEW.seq)
  OR (NEW.rowid >= 1 AND EXISTS (SELECT 1 FROM cdc_events WHERE rowid = NEW.rowid))
BEGIN SELECT RAISE(ABORT, 'cdc_events are kept for ever: this event is there already and is not replaced'); END;
)sql",
     // Events are read upload by upload. These indexes find the uploads of one company, table or period among
     // millions.
     R"sql(
CREATE INDEX uploads_of_table ON uploads (company_id, table_name, applied_no) WHERE applied_no IS NOT NULL;
CREATE INDEX uploads_of_company ON uploads (company_id, applied_no) WHERE applied_no IS NOT NULL;
CREATE INDEX uploads_by_time ON uploads (timestamp, applied_no) WHERE applied_no IS NOT NULL;
)sql",
     // The owners of tables, and the choice after a fork.
     R"sql(
ALTER TABLE uploads ADD COLUMN archive_id TEXT;
ALTER TABLE uploads ADD COLUMN off_chain INTEGER NOT NULL DEFAULT 0;
ALTER TABLE uploads ADD COLUMN set_aside_at TEXT CHECK (set_aside_at IS NULL OR state = 'conflict');
DROP INDEX uploads_in_trouble;
CREATE INDEX uploads_in_trouble ON uploads (company_id, table_name, version)
  WHERE state IN ('blocked', 'conflict') AND set_aside_at IS NULL;
UPDATE uploads SET off_chain = 1 WHERE state = 'conflict' AND error LIKE 'the history of % has forked%';
CREATE INDEX uploads_in_conflict ON uploads (company_id, table_name, version) WHERE state = 'conflict';
CREATE TABLE table_owners (
  company_id TEXT NOT NULL,
  table_name TEXT NOT NULL,
  archive_id TEXT NOT NULL,
  PRIMARY KEY (company_id, table_name)
);
)sql",
     // The positions of an applied upload's events by type, to find events of a rare type among millions. A
     // span whose applied_no differs from its upload's does not count.
     R"sql(
CREATE TABLE event_spans (
  upload_id  TEXT NOT NULL,
  event_type TEXT NOT NULL,
  first_seq  INTEGER NOT NULL,
  last_seq   INTEGER NOT NULL CHECK (last_seq >= first_seq),
  company_id TEXT NOT NULL,
  table_name TEXT NOT NULL,
  applied_no INTEGER NOT NULL,
  PRIMARY KEY (upload_id, event_type, last_seq)
) WITHOUT ROWID;
CREATE INDEX event_spans_of_type ON event_spans (event_type, applied_no, last_seq);
CREATE INDEX event_spans_of_company ON event_spans (company_id, event_type, applied_no, last_seq);
CREATE INDEX event_spans_of_table ON event_spans (company_id, table_name, event_type, applied_no, last_seq);
INSERT INTO event_spans (upload_id, event_type, first_seq, last_seq, company_id, table_name, applied_no)
SELECT u.upload_id, e.event_type, min(e.seq), max(e.seq), u.company_id, u.table_name, u.applied_no
FROM uploads u CROSS JOIN cdc_events e ON e.upload_id = u.upload_id
WHERE u.applied_no IS NOT NULL GROUP BY u.upload_id, e.event_type, (e.seq - 1) / 1024;
)sql"});

}  // namespace

Result<db::Database> open_writer(const std::filesystem::path& path) {
  DD_TRY(auto database, db::Database::open(path));
  // A big upload is one transaction: the large cache holds its index pages, and the larger WAL needs fewer
  // checkpoints.
  DD_TRY(database.execute(
      "PRAGMA cache_size=-65536; PRAGMA wal_autocheckpoint=8192; PRAGMA journal_size_limit=268435456"));
  DD_TRY(db::define_comparison(database, "same_values", equal_values_json));
  DD_TRY(database.migrate(kMigrations));
  return database;
}

Result<db::Database> open_reader(const std::filesystem::path& path) {
  return db::Database::open(path, db::Access::read_only);
}

}  // namespace deltadrop::history::sqlite
