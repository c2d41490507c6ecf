#include <fmt/format.h>

#include <functional>

#include "postgres_fixture.hpp"

namespace deltadrop::history {
namespace {

constexpr int kRows = 3000;

testing::Rows rows(const std::string& value) {
  testing::Rows rows;
  for (int i = 0; i < kRows; ++i) rows["key" + std::to_string(i)] = {{"v", value}};
  return rows;
}

// PostgreSQL has not yet analysed tables that were just filled. A plan that joins them row by row reads
// millions of rows.
TEST_F(PostgresFault, ApplyingReadsEachRowAFewTimesRightAfterRecording) {
  {
    const auto store = open();
    must(store->health());
    ASSERT_EQ(session().execute("ALTER TABLE company_data SET (autovacuum_enabled = off); "
                                "ALTER TABLE cdc_events SET (autovacuum_enabled = off)"),
              "");
    HistoryFeed feed(*store);
    feed.record_all(story_.next(rows("1")));
    must(store->apply_next(story_.table(), now_));
    feed.record_all(story_.next(rows("2")));
    const auto applied = must(store->apply_next(story_.table(), now_));
    ASSERT_TRUE(std::holds_alternative<Applied>(applied));
    EXPECT_EQ(std::get<Applied>(applied).closed, kRows);
    const auto again = story_.next(rows("3"));
    feed.record_all(again);
    EXPECT_EQ(feed.record_all(again).already_there, kRows);
  }
  // The counters are complete only when the connections are closed.
  auto admin = session();
  ASSERT_TRUE(
      admin.wait_for("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND "
                     "application_name = 'deltadrop'",
                     "0"));
  const auto read =
      std::stoll(admin.value("SELECT (SELECT sum(seq_tup_read) FROM pg_stat_user_tables) + "
                             "(SELECT sum(idx_tup_read) FROM pg_stat_user_indexes)"));
  EXPECT_GE(read, kRows);
  EXPECT_LT(read, 40 * kRows) << "rows read to record 4 times and apply 2 times " << kRows;
}

// The tables have a million rows, and each read visits only a few of them.
TEST_F(PostgresFault, ReadsGoByIndexInALargeHistory) {
  constexpr int kUploads = 100'000;
  open()->summary().value();
  {
    auto admin = session();
    // Each company has ten uploads of ten events. Ids are built from their numbers.
    ASSERT_EQ(
        admin.execute(fmt::format("INSERT INTO uploads SELECT lpad(to_hex(i + 1), 32, '0')::uuid, 'c' || i "
                                  "% {0}, 'financials', i / {0} + 1, "
                                  "CASE WHEN i >= {0} THEN lpad(to_hex(i + 1 - {0}), 32, '0')::uuid END, "
                                  "repeat('0', 64), NULL, 10, 'applied', "
                                  "timestamptz '2020-01-01Z' + i * interval '1 minute', timestamptz "
                                  "'2020-01-01Z' + i * interval '1 minute', "
                                  "i + 1, now(), now(), NULL, NULL, false, NULL, i + 1 "
                                  "FROM generate_series(0, {1}) i; "
                                  "INSERT INTO event_spans SELECT upload_id, 'insert', 1, 10, company_id, "
                                  "table_name, applied_no FROM uploads; "
                                  "INSERT INTO cdc_events SELECT u.upload_id, s, u.upload_id, "
                                  "'insert', u.company_id, u.table_name, "
                                  "u.timestamp, u.effective_at, 'id', 'key' || s, NULL, "
                                  "'{{\"id\":\"1\"}}', '[]', 'f', u.version, s, "
                                  "now() FROM uploads u, generate_series(1, 10) s; "
                                  "UPDATE applied_counter SET last_no = {1} + 1; ANALYZE",
                                  kUploads / 10, kUploads - 1)),
        "");
    ASSERT_EQ(admin.value("SELECT count(*) FROM cdc_events"), "1000000");
    ASSERT_EQ(admin.execute("SELECT pg_stat_reset()"), "");
  }
  struct Case {
    std::string name;
    std::size_t found;
    std::function<std::size_t(HistoryStore&)> read;
  };
  const auto events = [](const EventQuery& query) {
    return [query](HistoryStore& store) { return must(store.events(query)).size(); };
  };
  EventQuery company;
  company.company_id = "c77";
  EventQuery table = company;
  table.table_name = "financials";
  EventQuery late;
  late.since = Timestamp::parse("2020-03-10T10:30:00Z").value();  // a few uploads before the last
  EventQuery early;
  early.until = Timestamp::parse("2020-01-01T00:05:00Z").value();
  EventQuery behind;
  behind.after = EventCursor{AppliedNo(kUploads - 5), Seq(5)};
  EventQuery of_type = company;
  of_type.type = ChangeType::insert;
  EventQuery of_rare_type = company;
  of_rare_type.type = ChangeType::remove;
  EventQuery of_key = table;
  of_key.key_value = "key3";
  const std::vector<Case> cases = {
      {"the first page", 100, events({})},
      {"a page near the end", 55, events(behind)},
      {"a company's events", 100, events(company)},
      {"a table's events", 100, events(table)},
      {"events since a time", 100, events(late)},
      {"events until a time", 50, events(early)},
      {"a company's events of a type", 100, events(of_type)},
      {"a company's events of a type that it does not have", 0, events(of_rare_type)},
      {"a key's events", 10, events(of_key)},
      {"a key's history", 10,
       [](HistoryStore& store) { return must(store.key_history({"c77", "financials"}, "key3")).size(); }},
  };
  for (const auto& each : cases) {
    const auto read_by = [&] {
      auto admin = session();
      EXPECT_TRUE(
          admin.wait_for("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND "
                         "application_name = 'deltadrop'",
                         "0"));
      return std::stoll(
          admin.value("SELECT (SELECT sum(seq_tup_read) FROM pg_stat_user_tables) + "
                      "(SELECT sum(idx_tup_read) FROM pg_stat_user_indexes)"));
    };
    const auto before = read_by();
    EXPECT_EQ(each.read(*open()), each.found) << each.name;
    EXPECT_LT(read_by() - before, 5000) << each.name;
  }
}

}  // namespace
}  // namespace deltadrop::history
