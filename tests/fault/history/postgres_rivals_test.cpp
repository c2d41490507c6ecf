#include <future>
#include <latch>

#include "postgres_fixture.hpp"

// Several consumers work on one database.

namespace deltadrop::history {
namespace {

testing::Rows rows(int version) {
  return {{"a", {{"v", std::to_string(version)}}},
          {"b", {{"v", std::to_string(version)}}},
          {"c", {{"v", std::to_string(version)}}}};
}

TEST_F(PostgresFault, TwoConsumersFinishOneUploadAtTheSameMoment) {
  const auto first = open();
  const auto second = open();
  HistoryFeed first_feed(*first);
  HistoryFeed second_feed(*second);
  for (int version = 1; version <= 20; ++version) {
    const auto events = story_.next(rows(version));
    const auto first_batch = first_feed.batch({{0, events[0]}, {0, events[1]}});
    const auto second_batch = second_feed.batch({{1, events[2]}});
    std::latch together(2);
    const auto record_and_apply = [&](HistoryFeed& feed, HistoryStore& store, const RecordBatch& batch) {
      together.arrive_and_wait();
      must(feed.record(batch));
      return must(store.apply_next(story_.table(), now_));
    };
    auto other = std::async(std::launch::async, record_and_apply, std::ref(second_feed), std::ref(*second),
                            std::cref(second_batch));
    const auto mine = record_and_apply(first_feed, *first, first_batch);
    const auto theirs = other.get();
    int applied = std::holds_alternative<Applied>(mine) + std::holds_alternative<Applied>(theirs);
    // Who looks while the other one applies comes again later.
    if (applied == 0)
      applied = std::holds_alternative<Applied>(must(first->apply_next(story_.table(), now_)));
    EXPECT_EQ(applied, 1) << "version " << version;
    const auto status = upload(*first, events[0].upload.upload_id);
    EXPECT_EQ(status.state, UploadState::applied);
    EXPECT_EQ(status.recorded, 3);
    EXPECT_EQ(status.applied_no, AppliedNo(version));
  }
  EXPECT_EQ(must(first->records({story_.table(), now_, std::nullopt, 10})).size(), 3U);
}

TEST_F(PostgresFault, AForkAtTheSameMomentIsStillAFork) {
  const auto first = open();
  const auto second = open();
  must(first->health());
  TableStory other("acme", 7);
  const auto mine = story_.next(rows(1));
  const auto theirs = other.next(rows(1));
  HistoryFeed first_feed(*first);
  HistoryFeed second_feed(*second);
  Gate gate(url(), "BEFORE INSERT ON cdc_events");
  auto recording = std::async(std::launch::async, [&] { return first_feed.record_all(mine, 0); });
  ASSERT_TRUE(gate.wait_until_somebody_waits());
  auto rival = std::async(std::launch::async, [&] { return second_feed.record_all(theirs, 1); });
  ASSERT_TRUE(session().wait_for(
      "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = "
      "'transactionid'",
      "1"))
      << "the rival waits for the first one's transaction";
  gate.open();
  EXPECT_EQ(recording.get().inserted, 3);
  EXPECT_EQ(rival.get().inserted, 3);
  EXPECT_EQ(upload(*first, mine[0].upload.upload_id).state, UploadState::recorded);
  EXPECT_EQ(upload(*first, theirs[0].upload.upload_id).state, UploadState::conflict);
}

TEST_F(PostgresFault, AppliedNumbersBecomeVisibleInTheirOrder) {
  const auto first = open();
  const auto second = open();
  HistoryFeed feed(*first);
  TableStory zeta("zeta", 2);
  const auto mine = story_.next(rows(1));
  const auto theirs = zeta.next(rows(1));
  feed.record_all(mine);
  feed.record_all(theirs, 1);
  // The first one waits at its COMMIT, with its number taken.
  Gate gate(url(), "AFTER UPDATE ON uploads DEFERRABLE INITIALLY DEFERRED FOR EACH ROW", "CONSTRAINT");
  auto applying = std::async(std::launch::async, [&] { return first->apply_next(story_.table(), now_); });
  ASSERT_TRUE(gate.wait_until_somebody_waits());
  auto next = std::async(std::launch::async, [&] { return second->apply_next(zeta.table(), now_); });
  ASSERT_TRUE(session().wait_for(
      "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = "
      "'transactionid'",
      "1"))
      << "another table's upload waits for the number before its own";
  gate.open();
  EXPECT_TRUE(std::holds_alternative<Applied>(must(applying.get())));
  EXPECT_TRUE(std::holds_alternative<Applied>(must(next.get())));
  EXPECT_EQ(upload(*first, mine[0].upload.upload_id).applied_no, AppliedNo(1));
  EXPECT_EQ(upload(*first, theirs[0].upload.upload_id).applied_no, AppliedNo(2));
}

TEST_F(PostgresFault, OnlyOneAppliesATableAndOthersDoNotWait) {
  const auto first = open();
  const auto second = open();
  HistoryFeed feed(*first);
  const auto events = story_.next(rows(1));
  feed.record_all(events);
  TableStory zeta("zeta", 2);
  Gate gate(url(), "BEFORE INSERT ON company_data");
  auto applying = std::async(std::launch::async, [&] { return first->apply_next(story_.table(), now_); });
  ASSERT_TRUE(gate.wait_until_somebody_waits());
  const auto refused = must(second->apply_next(story_.table(), now_));
  const auto* nothing = std::get_if<NothingToApply>(&refused);
  ASSERT_NE(nothing, nullptr);
  EXPECT_NE(nothing->waiting_for.find("another process"), std::string::npos) << nothing->waiting_for;
  ASSERT_TRUE(nothing->next.has_value());
  EXPECT_EQ(nothing->next->facts.upload_id, events[0].upload.upload_id);
  auto contradiction = events[0];
  contradiction.upload.total = 9;
  feed.record_all(zeta.next(rows(1)), 1);
  auto contradicting =
      std::async(std::launch::async, [&] { return feed.record(feed.batch({{2, contradiction}})); });
  ASSERT_TRUE(session().wait_for(
      "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = "
      "'transactionid'",
      "1"))
      << "who finds the upload contradicted waits for the one who applies it";
  gate.open();
  EXPECT_TRUE(std::holds_alternative<Applied>(must(applying.get())));
  must(contradicting.get());
  EXPECT_EQ(upload(*first, events[0].upload.upload_id).state, UploadState::applied)
      << "what is applied stands";
  EXPECT_EQ(must(first->summary()).dead_letters, 1);
  EXPECT_TRUE(std::holds_alternative<Applied>(must(second->apply_next(zeta.table(), now_))));
}

}  // namespace
}  // namespace deltadrop::history
