#include "postgres_fixture.hpp"

namespace deltadrop::history {
namespace {

constexpr int kRows = 3000;

testing::Rows rows(const std::string& value) {
  testing::Rows rows;
  for (int i = 0; i < kRows; ++i) rows["key" + std::to_string(i)] = {{"v", value}};
  return rows;
}

// PostgreSQL has not analysed tables that were just filled. A plan that joins them row by row reads millions.
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
  // The counters are complete when the connections are gone.
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

}  // namespace
}  // namespace deltadrop::history
