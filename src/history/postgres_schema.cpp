#include <fmt/format.h>

#include <array>
#include <string_view>

#include "history/postgres_calls.hpp"

namespace deltadrop::history::postgres {
namespace {

// Texts are compared by bytes (COLLATE "C"). `types` is json, not jsonb: json preserves the original text.
// changed_columns is a jsonb array, to match SQLite's JSON. Two unique indexes and a check keep periods
// apart: an EXCLUDE constraint would make inserts twenty times slower.
//
// cdc_events_by_key serves the history of a key. company_data_open serves the current records and the look-up
// of open rows while applying. The primary key of company_data serves the records at a time.
constexpr auto kMigrations = std::to_array<std::string_view>(
    {R"sql(
CREATE TABLE cdc_events (
  upload_id       uuid NOT NULL,
  seq             bigint NOT NULL CHECK (seq >= 1),
  event_id        uuid NOT NULL,
  event_type      text COLLATE "C" NOT NULL CHECK (event_type IN ('insert', 'update', 'delete')),
  company_id      text COLLATE "C" NOT NULL,
  table_name      text COLLATE "C" NOT NULL,
  timestamp       timestamptz NOT NULL,
  effective_at    timestamptz NOT NULL,
  key_column      text COLLATE "C" NOT NULL,
  key_value       text COLLATE "C" NOT NULL,
  old_values      jsonb,
  new_values      jsonb,
  changed_columns jsonb NOT NULL,
  file_id         text COLLATE "C" NOT NULL,
  version         bigint NOT NULL,
  line            bigint NOT NULL,
  recorded_at     timestamptz NOT NULL,
  PRIMARY KEY (upload_id, seq),
  CHECK ((old_values IS NULL) = (event_type = 'insert')),
  CHECK ((new_values IS NULL) = (event_type = 'delete'))
);
CREATE INDEX cdc_events_by_key ON cdc_events (key_value, table_name, company_id);
CREATE FUNCTION cdc_events_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'cdc_events are kept for ever: % is refused', TG_OP; END $$;
CREATE TRIGGER cdc_events_refuse BEFORE UPDATE OR DELETE OR TRUNCATE ON cdc_events
  FOR EACH STATEMENT EXECUTE FUNCTION cdc_events_refuse();

CREATE TABLE company_data (
  company_id text COLLATE "C" NOT NULL,
  table_name text COLLATE "C" NOT NULL,
  record_key text COLLATE "C" NOT NULL,
  data       jsonb NOT NULL,
  valid_from timestamptz NOT NULL,
  valid_to   timestamptz,
  is_current boolean NOT NULL,
  upload_id  uuid NOT NULL,
  PRIMARY KEY (company_id, table_name, record_key, valid_from),
  CHECK (valid_from < valid_to),
  CHECK (is_current = (valid_to IS NULL))
);
CREATE UNIQUE INDEX company_data_open ON company_data (company_id, table_name, record_key) WHERE is_current;

CREATE TABLE uploads (
  upload_id          uuid PRIMARY KEY,
  company_id         text COLLATE "C" NOT NULL,
  table_name         text COLLATE "C" NOT NULL,
  version            bigint NOT NULL,
  previous_upload_id uuid,
  file_sha256        text COLLATE "C" NOT NULL,
  types              json,
  total              bigint NOT NULL CHECK (total >= 1),
  state              text COLLATE "C" NOT NULL CHECK (state IN ('recorded', 'applied', 'blocked', 'conflict')),
  timestamp          timestamptz NOT NULL,
  effective_at       timestamptz NOT NULL,
  applied_no         bigint UNIQUE,
  applied_at         timestamptz,
  in_lake_at         timestamptz,
  error              text,
  CHECK ((state = 'applied') = (applied_no IS NOT NULL))
);
CREATE UNIQUE INDEX uploads_version ON uploads (company_id, table_name, version) WHERE state <> 'conflict';
CREATE UNIQUE INDEX uploads_chain ON uploads
  (company_id, table_name, coalesce(previous_upload_id, '00000000-0000-0000-0000-000000000000'))
  WHERE state <> 'conflict';
CREATE INDEX uploads_to_apply ON uploads (company_id, table_name, version) WHERE state = 'recorded';
CREATE INDEX uploads_in_trouble ON uploads (company_id, table_name, version) WHERE state IN ('blocked', 'conflict');
CREATE INDEX uploads_for_lake ON uploads (company_id, table_name, applied_no)
  WHERE state = 'applied' AND in_lake_at IS NULL;

CREATE TABLE upload_parts (
  upload_id uuid NOT NULL,
  topic     text COLLATE "C" NOT NULL,
  partition integer NOT NULL,
  seen      bigint NOT NULL,
  PRIMARY KEY (upload_id, topic, partition)
);
CREATE TABLE log_offsets (
  topic       text COLLATE "C" NOT NULL,
  partition   integer NOT NULL,
  next_offset bigint NOT NULL,
  cluster_id  text COLLATE "C" NOT NULL,
  topic_id    text COLLATE "C" NOT NULL,
  PRIMARY KEY (topic, partition)
) WITH (fillfactor = 50);
CREATE TABLE dead_letters (
  topic_id    text COLLATE "C" NOT NULL,
  partition   integer NOT NULL,
  log_offset  bigint NOT NULL,
  topic       text COLLATE "C" NOT NULL,
  payload     bytea NOT NULL,
  reason      text NOT NULL,
  upload_id   uuid,
  recorded_at timestamptz NOT NULL,
  resolved_at timestamptz,
  PRIMARY KEY (topic_id, partition, log_offset)
);
CREATE INDEX dead_letters_open ON dead_letters (upload_id) WHERE resolved_at IS NULL;
CREATE TABLE lake_columns (
  company_id  text COLLATE "C" NOT NULL,
  table_name  text COLLATE "C" NOT NULL,
  column_name text COLLATE "C" NOT NULL,
  column_type text COLLATE "C" NOT NULL,
  PRIMARY KEY (company_id, table_name, column_name)
);
CREATE TABLE applied_counter (
  only_row integer PRIMARY KEY CHECK (only_row = 1),
  last_no  bigint NOT NULL
);
INSERT INTO applied_counter (only_row, last_no) VALUES (1, 0);
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
ALTER TABLE uploads ADD COLUMN archive_id uuid, ADD COLUMN off_chain boolean NOT NULL DEFAULT false,
  ADD COLUMN set_aside_at timestamptz CHECK (set_aside_at IS NULL OR state = 'conflict');
DROP INDEX uploads_in_trouble;
CREATE INDEX uploads_in_trouble ON uploads (company_id, table_name, version)
  WHERE state IN ('blocked', 'conflict') AND set_aside_at IS NULL;
UPDATE uploads SET off_chain = true WHERE state = 'conflict' AND error LIKE 'the history of % has forked%';
CREATE INDEX uploads_in_conflict ON uploads (company_id, table_name, version) WHERE state = 'conflict';
CREATE TABLE table_owners (
  company_id text COLLATE "C" NOT NULL,
  table_name text COLLATE "C" NOT NULL,
  archive_id uuid NOT NULL,
  PRIMARY KEY (company_id, table_name)
);
)sql",
     // The positions of an applied upload's events by type, to find events of a rare type among millions. A
     // span whose applied_no differs from its upload's does not count. A running older consumer would apply
     // uploads without spans, and their events could not be found by type: the check refuses that.
     R"sql(
CREATE TABLE event_spans (
  upload_id  uuid NOT NULL,
  event_type text COLLATE "C" NOT NULL,
  first_seq  bigint NOT NULL,
  last_seq   bigint NOT NULL CHECK (last_seq >= first_seq),
  company_id text COLLATE "C" NOT NULL,
  table_name text COLLATE "C" NOT NULL,
  applied_no bigint NOT NULL,
  PRIMARY KEY (upload_id, event_type, last_seq)
);
CREATE INDEX event_spans_of_type ON event_spans (event_type, applied_no, last_seq);
CREATE INDEX event_spans_of_company ON event_spans (company_id, event_type, applied_no, last_seq);
CREATE INDEX event_spans_of_table ON event_spans (company_id, table_name, event_type, applied_no, last_seq);
LOCK TABLE uploads IN SHARE ROW EXCLUSIVE MODE;
INSERT INTO event_spans (upload_id, event_type, first_seq, last_seq, company_id, table_name, applied_no)
SELECT u.upload_id, e.event_type, min(e.seq), max(e.seq), u.company_id, u.table_name, u.applied_no
FROM uploads u JOIN cdc_events e ON e.upload_id = u.upload_id
WHERE u.applied_no IS NOT NULL GROUP BY u.upload_id, e.event_type, (e.seq - 1) / 1024;
ALTER TABLE uploads ADD COLUMN spanned_no bigint;
UPDATE uploads SET spanned_no = applied_no WHERE applied_no IS NOT NULL;
ALTER TABLE uploads ADD CONSTRAINT uploads_spanned CHECK (spanned_no IS NOT DISTINCT FROM applied_no);
)sql"});

constexpr int kNewest = static_cast<int>(kMigrations.size());

/// Returns the number of migrations that the database has had, or 0 if there are no tables.
Result<int> stored_version(Connection& connection) {
  DD_TRY(const auto tables, connection.run({"SELECT to_regclass('schema_migrations') IS NOT NULL", {}}));
  if (!tables[0].boolean()) return 0;
  DD_TRY(const auto numbers, connection.run({"SELECT coalesce(max(number), 0) FROM schema_migrations", {}}));
  return static_cast<int>(numbers[0].number());
}

Result<void> refuse_newer(const Connection& connection, int stored) {
  if (stored <= kNewest) return success();
  return Error{
      ErrorCode::conflict, "schema-too-new",
      fmt::format("{} has schema {}, this program knows schema {}", connection.where(), stored, kNewest),
      "run the Deltadrop that made it, or a newer one"};
}

/// Runs all missing migrations in one transaction. Only one process migrates at a time.
Result<void> migrate(Connection& connection) {
  DD_TRY(auto transaction,
         Transaction::begin(connection,
                            {{"SELECT pg_advisory_xact_lock(hashtextextended('deltadrop schema', 0))", {}},
                             {"CREATE TABLE IF NOT EXISTS schema_migrations (number integer PRIMARY "
                              "KEY, applied_at timestamptz NOT NULL DEFAULT now())",
                              {}}}));
  DD_TRY(const int stored, stored_version(connection));
  DD_TRY(refuse_newer(connection, stored));
  for (int number = stored + 1; number <= kNewest; ++number) {
    DD_TRY(connection.run_script(std::string(kMigrations[static_cast<std::size_t>(number - 1)])));
    DD_TRY(connection.run({"INSERT INTO schema_migrations (number) VALUES ($1)", {std::to_string(number)}}));
  }
  DD_TRY(transaction.commit());
  return success();
}

/// Finds the rights that a consumer needs and does not have. It runs at the start, because the first event
/// would reveal a missing right too late.
constexpr std::string_view kMissingRights = R"sql(
SELECT string_agg(v.right_name || ' on ' || v.table_name, ', ') FROM (VALUES
  ('cdc_events', 'SELECT'), ('cdc_events', 'INSERT'),
  ('company_data', 'SELECT'), ('company_data', 'INSERT'), ('company_data', 'UPDATE'),
  ('uploads', 'SELECT'), ('uploads', 'INSERT'), ('uploads', 'UPDATE'),
  ('upload_parts', 'SELECT'), ('upload_parts', 'INSERT'), ('upload_parts', 'UPDATE'),
  ('log_offsets', 'SELECT'), ('log_offsets', 'INSERT'), ('log_offsets', 'UPDATE'),
  ('dead_letters', 'SELECT'), ('dead_letters', 'INSERT'), ('dead_letters', 'UPDATE'),
  ('lake_columns', 'SELECT'), ('lake_columns', 'INSERT'), ('lake_columns', 'UPDATE'),
  ('table_owners', 'SELECT'), ('table_owners', 'INSERT'),
  ('event_spans', 'SELECT'), ('event_spans', 'INSERT'), ('event_spans', 'UPDATE'),
  ('applied_counter', 'SELECT'), ('applied_counter', 'UPDATE')) AS v (table_name, right_name)
WHERE NOT has_table_privilege(v.table_name, v.right_name)
)sql";

Result<void> check_may_write(Connection& connection) {
  DD_TRY(const auto read_only,
         connection.run({"SELECT current_setting('transaction_read_only') = 'on'", {}}));
  if (read_only[0].boolean()) {
    return error_of_sqlstate("25006", "transactions are read-only here", connection.where());
  }
  DD_TRY(const auto missing, connection.run({std::string(kMissingRights), {}}));
  const auto rights = missing[0].optional_text();
  if (!rights) return success();
  return error_of_sqlstate("42501", fmt::format("permission denied: this user lacks {}", *rights),
                           connection.where());
}

}  // namespace

Result<void> prepare_schema(Connection& connection, const Options& options) {
  DD_TRY(const int stored, stored_version(connection));
  DD_TRY(refuse_newer(connection, stored));
  if (stored == kNewest) return options.migrate ? check_may_write(connection) : success();
  if (options.migrate) return migrate(connection);
  return Error{
      ErrorCode::unavailable, "no-schema",
      fmt::format("{} has schema {}, this program needs schema {}", connection.where(), stored, kNewest),
      "run `deltadrop consume` against this database: it brings the tables up to date"};
}

}  // namespace deltadrop::history::postgres
