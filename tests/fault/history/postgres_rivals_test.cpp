#include <fmt/format.h>

#include <algorithm>
#include <future>
#include <latch>
#include <random>
#include <span>

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
    // An applier that finds the table locked tries again later.
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
  Gate gate(url(), "BEFORE INSERT ON upload_parts");
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
      << "another table's upload waits until the previous number is committed";
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
      << "the transaction that finds a contradiction waits for the one that applies the upload";
  gate.open();
  EXPECT_TRUE(std::holds_alternative<Applied>(must(applying.get())));
  must(contradicting.get());
  EXPECT_EQ(upload(*first, events[0].upload.upload_id).state, UploadState::applied)
      << "the applied upload is kept";
  EXPECT_EQ(must(first->summary()).dead_letters, 1);
  EXPECT_TRUE(std::holds_alternative<Applied>(must(second->apply_next(zeta.table(), now_))));
}

/// Each table's next upload has a row in each of three partitions.
std::vector<std::vector<Event>> small_uploads(std::vector<TableStory>& stories, int version) {
  std::vector<std::vector<Event>> uploads;
  uploads.reserve(stories.size());
  for (auto& story : stories) uploads.push_back(story.next(rows(version)));
  return uploads;
}

std::vector<TableStory> tables(int count, int from = 0) {
  std::vector<TableStory> stories;
  stories.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) {
    stories.emplace_back(fmt::format("c{}", from + i), static_cast<std::uint32_t>(100 + from + i));
  }
  return stories;
}

/// A consumer with its own connection and one of the three partitions.
struct Rival {
  Rival(std::unique_ptr<HistoryStore> opened, std::int32_t of)
      : store(std::move(opened)), feed(*store), partition(of), order(static_cast<unsigned>(of)) {}

  /// Its event of each of these uploads, in its own order, because uploads are published at the same time.
  RecordBatch batch(std::vector<std::vector<Event>> uploads) {
    std::shuffle(uploads.begin(), uploads.end(), order);
    std::vector<std::pair<std::int32_t, Event>> events;
    events.reserve(uploads.size());
    for (const auto& upload : uploads) {
      events.emplace_back(partition, upload[static_cast<std::size_t>(partition)]);
    }
    return feed.batch(events);
  }

  std::unique_ptr<HistoryStore> store;
  HistoryFeed feed;
  std::int32_t partition;
  std::mt19937 order;
};

TEST_F(PostgresFault, ThreeConsumersOfTheSameUploadsNeverDeadlock) {
  constexpr int kRounds = 3;
  // Enough rows that inserting them takes longer than a scheduler's time slice.
  constexpr int kTables = 1000;
  auto stories = tables(kTables);
  {
    std::vector<std::unique_ptr<Rival>> rivals;
    for (int i = 0; i < 3; ++i) rivals.push_back(std::make_unique<Rival>(open(), i));
    must(rivals[0]->store->health());
    auto gate = session();
    for (int round = 1; round <= kRounds; ++round) {
      const auto uploads = small_uploads(stories, round);
      ASSERT_EQ(gate.execute("BEGIN; LOCK TABLE uploads IN SHARE ROW EXCLUSIVE MODE"), "");
      std::vector<std::future<Result<RecordReport>>> recording;
      for (auto& rival : rivals) {
        recording.push_back(std::async(std::launch::async, [&rival, batch = rival->batch(uploads)] {
          return rival->feed.record(batch);
        }));
      }
      // Make all three insert at the same time, however busy the machine is.
      ASSERT_TRUE(gate.wait_for("SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted", "3"));
      ASSERT_EQ(gate.execute("COMMIT"), "");
      for (auto& each : recording) EXPECT_EQ(must(each.get()).inserted, kTables) << "round " << round;
    }
    for (auto& story : std::span(stories).first(20)) {
      for (int round = 1; round <= kRounds; ++round) {
        ASSERT_TRUE(std::holds_alternative<Applied>(must(rivals[0]->store->apply_next(story.table(), now_))));
      }
    }
  }
  // A connection reports its counters when it ends, at the latest.
  auto watching = session();
  ASSERT_TRUE(watching.wait_for(
      "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
      "0"));
  EXPECT_EQ(watching.value("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"), "0");
}

/// One consumer repairs uploads that the other blocks, each in the order of its own log.
TEST_F(PostgresFault, ThreeConsumersThatBlockAndRepairTheSameUploadsNeverDeadlock) {
  constexpr int kTables = 40;
  auto stories = tables(kTables);
  {
    std::vector<std::unique_ptr<Rival>> rivals;
    for (int i = 0; i < 3; ++i) rivals.push_back(std::make_unique<Rival>(open(), i));
    must(rivals[0]->store->health());
    for (int round = 1; round <= 10; ++round) {
      const auto uploads = small_uploads(stories, round);
      for (auto& rival : rivals) must(rival->feed.record(rival->batch(uploads)));
      std::latch together(3);
      std::vector<std::future<Result<RecordReport>>> recording;
      for (auto& rival : rivals) {
        // It sends dead letters for half of the uploads, which are then blocked.
        auto batch = rival->batch(uploads);
        for (std::size_t i = 0; i < batch.events.size(); i += 2) {
          const auto& logged = batch.events[i];
          batch.dead_letters.push_back({logged.partition, rival->feed.identity, logged.offset, "payload",
                                        "a reason", logged.event.upload});
        }
        recording.push_back(std::async(std::launch::async, [&, batch] {
          together.arrive_and_wait();
          return rival->feed.record(batch);
        }));
      }
      for (auto& each : recording) must(each.get());
    }
  }
  auto watching = session();
  ASSERT_TRUE(watching.wait_for(
      "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
      "0"));
  EXPECT_EQ(watching.value("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"), "0");
}

TEST_F(PostgresFault, OfTwoFirstVersionsInOneBatchTheFirstInTheLogStands) {
  const auto store = open();
  HistoryFeed feed(*store);
  TableStory other("acme", 7);
  const auto mine = story_.next(rows(1));
  const auto theirs = other.next(rows(1));
  must(feed.record(feed.batch({{0, theirs[0]}, {0, mine[0]}, {0, mine[1]}})));
  EXPECT_EQ(upload(*store, theirs[0].upload.upload_id).state, UploadState::recorded);
  const auto fork = upload(*store, mine[0].upload.upload_id);
  EXPECT_EQ(fork.state, UploadState::conflict);
  EXPECT_NE(fork.error.find(theirs[0].upload.upload_id.to_string()), std::string::npos) << fork.error;
}

}  // namespace
}  // namespace deltadrop::history
