#include <gtest/gtest.h>

#include "history/sqlite_calls.hpp"
#include "history/sqlite_history.hpp"
#include "support/result_check.hpp"
#include "support/temporary_folder.hpp"

namespace deltadrop::history::sqlite {
namespace {

using testing::must;

/// A query that reads depend on and the index that it must use. A plan that scans a table would pass all
/// other tests and be unusable with a million rows.
struct Lookup {
  std::string name;
  std::string sql;
  std::string index;
};

TEST(SqlitePlans, EveryLookUpHasItsIndex) {
  const testing::TemporaryFolder folder;
  auto database = must(open_writer(folder.path() / "history.db"));
  const std::vector<Lookup> lookups = {
      {"an upload's events in order",
       "SELECT line FROM cdc_events WHERE upload_id = 'u' AND seq > 3 ORDER BY seq",
       "sqlite_autoindex_cdc_events_1 (upload_id=? AND seq>?)"},
      {"a key's events",
       "SELECT line FROM cdc_events WHERE key_value = 'k' AND table_name = 't' AND company_id = 'c'",
       "cdc_events_by_key (key_value=? AND table_name=? AND company_id=?)"},
      {"open rows by key",
       "SELECT data FROM company_data INDEXED BY company_data_open WHERE company_id = 'c' AND table_name = "
       "'t' "
       "AND record_key > 'k' AND is_current = 1 ORDER BY record_key LIMIT 10",
       "company_data_open (company_id=? AND table_name=? AND record_key>?)"},
      {"rows as of a moment",
       "SELECT data FROM company_data WHERE company_id = 'c' AND table_name = 't' AND record_key > 'k' "
       "AND valid_from <= 'm' AND (valid_to IS NULL OR valid_to > 'm') ORDER BY record_key LIMIT 10",
       "sqlite_autoindex_company_data_1 (company_id=? AND table_name=? AND record_key>?)"},
      {"the upload that follows another",
       "SELECT total FROM uploads WHERE company_id = 'c' AND table_name = 't' "
       "AND coalesce(previous_upload_id, '') = 'p' AND state <> 'conflict'",
       "uploads_chain (company_id=? AND table_name=? AND <expr>=?)"},
      {"the last applied upload",
       "SELECT total FROM uploads WHERE company_id = 'c' AND table_name = 't' AND state = 'applied' "
       "AND state <> 'conflict' ORDER BY version DESC LIMIT 1",
       "uploads_version (company_id=? AND table_name=?)"},
      {"uploads in trouble",
       "SELECT total FROM uploads WHERE state IN ('blocked', 'conflict') AND set_aside_at IS NULL "
       "ORDER BY company_id, table_name, version",
       "uploads_in_trouble"},
      {"tables to apply",
       "SELECT DISTINCT company_id, table_name FROM uploads WHERE state = 'recorded' "
       "ORDER BY company_id, table_name",
       "uploads_to_apply"},
      {"uploads for the lake",
       "SELECT min(applied_no) FROM uploads WHERE state = 'applied' AND in_lake_at IS NULL "
       "GROUP BY company_id, table_name",
       "uploads_for_lake"},
      {"uploads in the order in which they were applied",
       "SELECT total FROM uploads WHERE applied_no >= 5 ORDER BY applied_no", "(applied_no>?)"},
      {"a table's uploads in the order in which they were applied",
       "SELECT total FROM uploads INDEXED BY uploads_of_table WHERE company_id = 'c' AND table_name = 't' "
       "AND "
       "applied_no >= 5 ORDER BY applied_no",
       "uploads_of_table (company_id=? AND table_name=? AND applied_no>?)"},
      {"a company's uploads in the order in which they were applied",
       "SELECT total FROM uploads INDEXED BY uploads_of_company WHERE company_id = 'c' AND applied_no >= 5 "
       "ORDER BY applied_no",
       "uploads_of_company (company_id=? AND applied_no>?)"},
      {"the first upload since a time",
       "SELECT min(applied_no + 0) FROM uploads WHERE timestamp >= 'm' AND applied_no IS NOT NULL",
       "COVERING INDEX uploads_by_time (timestamp>?)"},
      {"a company's events of a type",
       "SELECT s.first_seq, u.total FROM event_spans s INDEXED BY event_spans_of_company CROSS JOIN uploads "
       "u WHERE u.applied_no = s.applied_no AND s.event_type = 'delete' "
       "AND (s.applied_no, s.last_seq) > (5, 6) AND s.company_id = 'c' ORDER BY s.applied_no, s.last_seq",
       "event_spans_of_company (company_id=? AND event_type=? AND (applied_no,last_seq)>(?,?))"},
      {"a table's events of a type",
       "SELECT s.first_seq, u.total FROM event_spans s INDEXED BY event_spans_of_table CROSS JOIN uploads u "
       "WHERE u.applied_no = s.applied_no AND s.event_type = 'delete' "
       "AND (s.applied_no, s.last_seq) > (5, 6) AND s.company_id = 'c' AND s.table_name = 't' "
       "ORDER BY s.applied_no, s.last_seq",
       "event_spans_of_table (company_id=? AND table_name=? AND event_type=? AND "
       "(applied_no,last_seq)>(?,?))"},
      {"all events of a type",
       "SELECT s.first_seq, u.total FROM event_spans s INDEXED BY event_spans_of_type CROSS JOIN uploads u "
       "WHERE u.applied_no = s.applied_no AND s.event_type = 'delete' "
       "AND (s.applied_no, s.last_seq) > (5, 6) ORDER BY s.applied_no, s.last_seq",
       "event_spans_of_type (event_type=? AND (applied_no,last_seq)>(?,?))"},
      {"an upload's events of a type",
       "SELECT s.first_seq, u.total FROM event_spans s CROSS JOIN uploads u WHERE "
       "u.applied_no = s.applied_no AND s.event_type = 'delete' AND s.upload_id = 'u' ORDER BY "
       "s.last_seq",
       "PRIMARY KEY (upload_id=? AND event_type=?)"},
      {"the upload that was applied last", "SELECT last_no FROM applied_counter", "applied_counter"},
      {"how much of an upload is recorded", "SELECT sum(seen) FROM upload_parts WHERE upload_id = 'u'",
       "sqlite_autoindex_upload_parts_1 (upload_id=?)"},
      {"an upload's open dead letters",
       "UPDATE dead_letters SET resolved_at = 'm' WHERE upload_id = 'u' AND resolved_at IS NULL",
       "dead_letters_open (upload_id=?)"},
  };
  for (const auto& lookup : lookups) {
    auto explain = must(database.prepare("EXPLAIN QUERY PLAN " + lookup.sql));
    std::string plan;
    while (must(explain.step())) plan += std::string(explain.text(3)) + "\n";
    EXPECT_NE(plan.find(lookup.index), std::string::npos) << lookup.name << ":\n" << plan;
    EXPECT_EQ(plan.find("TEMP B-TREE"), std::string::npos) << lookup.name << " sorts:\n" << plan;
  }
}

TEST(SqliteHistory, RefusesWhatANewerProgramWrote) {
  const testing::TemporaryFolder folder;
  {
    auto database = must(open_writer(folder.path() / "history.db"));
    must(database.execute("PRAGMA user_version=99"));
  }
  EXPECT_EQ(testing::error_of(open({folder.path() / "history.db"})), "conflict/schema-too-new");
}

}  // namespace
}  // namespace deltadrop::history::sqlite
