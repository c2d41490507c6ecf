#include <chrono>
#include <functional>
#include <future>

#include "postgres_fixture.hpp"

// The server fails at every step: nothing is lost or duplicated, and nothing waits forever.

namespace deltadrop::history {
namespace {

using std::chrono::milliseconds;

const testing::Rows kRows = {{"a", {{"v", "1"}}}, {"b", {{"v", "2"}}}};
const std::string kEndTheOthers =
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND "
    "application_name = 'deltadrop'";

TEST_F(PostgresFault, TheServerMayComeLaterAndGoAndComeAgain) {
  server_.stop();
  const auto store = open();
  EXPECT_EQ(error_of(store->health()), "unavailable/database-unreachable");
  server_.start();
  HistoryFeed feed(*store);
  feed.record_all(story_.next(kRows));
  server_.stop();
  EXPECT_EQ(store->health().error().code, ErrorCode::unavailable);
  const auto batch = feed.batch({{1, story_.next({})[0]}});
  EXPECT_EQ(feed.record(batch).error().code, ErrorCode::unavailable);
  server_.start();
  EXPECT_EQ(error_of(store->health()), "");
  EXPECT_EQ(must(feed.record(batch)).inserted, 1);
}

struct Step {
  std::string name;
  std::string trigger;
  std::string kind;
  ErrorCode expected;
};

TEST_F(PostgresFault, AnEndInTheMiddleOfARecordLosesNothing) {
  const std::vector<Step> steps = {
      {"upload", "BEFORE INSERT ON uploads", "", ErrorCode::unavailable},
      {"events", "BEFORE INSERT ON cdc_events", "", ErrorCode::unavailable},
      {"parts", "BEFORE INSERT ON upload_parts", "", ErrorCode::in_doubt},
      {"commit", "AFTER INSERT OR UPDATE ON log_offsets DEFERRABLE INITIALLY DEFERRED FOR EACH ROW",
       "CONSTRAINT", ErrorCode::in_doubt},
  };
  const std::vector<std::function<void()>> ends = {
      [this] { session().value(kEndTheOthers); },
      [this] { server_.stop(), server_.start(); },
      [this] { server_.kill(), server_.start(); },
  };
  for (const auto& step : steps) {
    for (std::size_t end = 0; end < ends.size(); ++end) {
      const std::string which = step.name + std::to_string(end);
      server_.make_database(which);
      const auto store = open({.url = server_.url(which)});
      HistoryFeed feed(*store);
      must(store->health());
      TableStory story("acme");
      const auto events = story.next(kRows);
      const auto batch = feed.batch({{0, events[0]}, {0, events[1]}});
      database_ = which;
      {
        Gate gate(url(), step.trigger, step.kind);
        auto recording = std::async(std::launch::async, [&] { return feed.record(batch); });
        ASSERT_TRUE(gate.wait_until_somebody_waits()) << which;
        ends[end]();
        const auto recorded = recording.get();
        ASSERT_FALSE(recorded) << which;
        EXPECT_EQ(recorded.error().code, step.expected) << which << ": " << recorded.error().text();
      }
      EXPECT_TRUE(must(store->offsets("topic")).empty()) << which;
      EXPECT_EQ(must(feed.record(batch)).inserted, 2) << which;
      EXPECT_TRUE(std::holds_alternative<Applied>(must(store->apply_next(story.table(), now_)))) << which;
      EXPECT_EQ(must(store->events({})).size(), 2U) << which;
    }
  }
}

TEST_F(PostgresFault, ACommitWhoseAnswerIsLostIsInDoubtAndWasDone) {
  const auto store = open();
  HistoryFeed feed(*store);
  const auto events = story_.next(kRows);
  must(store->health());
  auto admin = SqlSession(server_.url());
  // A commit that waits for a nonexistent standby takes effect, but gets no response.
  ASSERT_EQ(admin.execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'"), "");
  ASSERT_EQ(admin.execute("SELECT pg_reload_conf()"), "");
  // A batch with a dead letter waits for the standby.
  auto batch = feed.batch({{0, events[0]}, {0, events[1]}});
  const auto letter = feed.dead_letter("no event", std::nullopt, 1);
  batch.dead_letters = letter.dead_letters;
  batch.advances.push_back(letter.advances[0]);
  auto recording = std::async(std::launch::async, [&] { return feed.record(batch); });
  EXPECT_TRUE(admin.wait_for("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'", "1"));
  session().value(kEndTheOthers);
  EXPECT_EQ(error_of(recording.get()), "in_doubt/commit-in-doubt");
  ASSERT_EQ(admin.execute("ALTER SYSTEM RESET synchronous_standby_names"), "");
  ASSERT_EQ(admin.execute("SELECT pg_reload_conf()"), "");
  EXPECT_EQ(must(store->offsets("topic"))[0].next, Offset(2))
      << "the offsets show that the commit took effect";
  EXPECT_EQ(error_of(feed.record(batch)), "conflict/offset-moved");
  EXPECT_EQ(upload(*store, events[0].upload.upload_id).recorded, 2);
}

std::string recorded_of(SqlSession session) {
  return session.value(
      "SELECT (SELECT count(*) FROM cdc_events) || ' events, ' || coalesce((SELECT "
      "next_offset FROM log_offsets), 0) || ' read, ' || coalesce((SELECT sum(seen) FROM "
      "upload_parts), 0) || ' seen'");
}

TEST_F(PostgresFault, ACrashOfTheServerLosesEventsAndOffsetsTogetherAndNothingApplied) {
  // Only a commit flushes PostgreSQL's WAL to the disk.
  ASSERT_EQ(session().execute("ALTER SYSTEM SET wal_writer_delay = '10s'"), "");
  ASSERT_EQ(session().execute("SELECT pg_reload_conf()"), "");
  const auto store = open();
  HistoryFeed feed(*store);
  const auto events = story_.next(kRows);
  const auto first = feed.batch({{0, events[0]}});
  must(feed.record(first));
  const auto second = feed.batch({{0, events[1]}});
  must(feed.record(second));
  server_.kill();
  server_.start();
  const std::string found = recorded_of(session());
  EXPECT_TRUE(found == "0 events, 0 read, 0 seen" || found == "1 events, 1 read, 1 seen" ||
              found == "2 events, 2 read, 2 seen")
      << found;

  // A reader that is ahead of the history gets an error and reads again from the history's offset.
  ASSERT_EQ(error_of(store->health()), "");
  const auto next = feed.stored_offset(0);
  history::RecordBatch later;
  later.recorded_at = feed.recorded_at;
  feed.advance(later, 0, next.next());
  if (found != "2 events, 2 read, 2 seen") {
    EXPECT_EQ(error_of(store->record(later)), "unavailable/database-unreachable");
    EXPECT_EQ(error_of(store->record(later)), "conflict/offset-moved");
    HistoryFeed again(*store);
    if (found == "1 events, 1 read, 1 seen") again.go_on_at(0, eventlog::Offset(1));
    if (found == "0 events, 0 read, 0 seen") must(again.record(again.batch({{0, events[0]}})));
    must(again.record(again.batch({{0, events[1]}})));
  }
  EXPECT_TRUE(std::holds_alternative<Applied>(must(store->apply_next(story_.table(), now_))));
  server_.kill();
  server_.start();
  EXPECT_EQ(recorded_of(session()), "2 events, 2 read, 2 seen");
  ASSERT_EQ(error_of(store->health()), "");
  EXPECT_EQ(upload(*store, events[0].upload.upload_id).state, UploadState::applied);
  EXPECT_EQ(session().execute("ALTER SYSTEM RESET wal_writer_delay"), "");
}

TEST_F(PostgresFault, WhatNoApplyingRestsOnIsOnTheDiskAtOnce) {
  ASSERT_EQ(session().execute("ALTER SYSTEM SET wal_writer_delay = '10s'"), "");
  ASSERT_EQ(session().execute("SELECT pg_reload_conf()"), "");
  const auto store = open();
  HistoryFeed feed(*store);
  must(feed.record(feed.dead_letter("no event", std::nullopt)));
  server_.kill();
  server_.start();
  EXPECT_EQ(session().value("SELECT count(*) FROM dead_letters"), "1");
  EXPECT_EQ(session().execute("ALTER SYSTEM RESET wal_writer_delay"), "");
}

TEST_F(PostgresFault, AFrozenServerIsNotWaitedForForEver) {
  postgres::Options options;
  options.url = url();
  options.answer_timeout = milliseconds(700);
  options.connect_timeout = milliseconds(700);
  options.probe_every = milliseconds(100);
  const auto store = open(options);
  HistoryFeed feed(*store);
  const auto events = story_.next(kRows);
  feed.record_all(events);
  Gate gate(url(), "BEFORE INSERT ON company_data");
  auto applying = std::async(std::launch::async, [&] { return store->apply_next(story_.table(), now_); });
  ASSERT_TRUE(gate.wait_until_somebody_waits());
  server_.freeze();
  EXPECT_EQ(error_of(store->health()), "unavailable/database-silent");
  EXPECT_EQ(error_of(store->summary()), "unavailable/database-silent") << "a new connection reports it";
  const auto batch = feed.batch({{1, story_.next({})[0]}});
  EXPECT_EQ(error_of(feed.record(batch)), "unavailable/database-silent");
  EXPECT_EQ(error_of(applying.get()), "unavailable/database-silent");
  server_.thaw();
  gate.open();
  ASSERT_TRUE(session().wait_for(
      "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' AND "
      "application_name = 'deltadrop'",
      "0"));
  EXPECT_EQ(must(feed.record(batch)).inserted, 1);
  EXPECT_TRUE(std::holds_alternative<Applied>(must(store->apply_next(story_.table(), now_))));
}

/// Enough bytes that the server waits for its reader in the middle of a scan.
std::vector<Event> apply_long_upload(HistoryStore& store, TableStory& story) {
  testing::Rows rows;
  for (int i = 0; i < 2000; ++i) rows[std::to_string(i)] = {{"v", std::string(20'000, 'x')}};
  auto events = story.next(rows);
  HistoryFeed(store).record_all(events);
  must(store.apply_next(story.table(),
                        Timestamp{1'900'000'000'000}));  // unapplied uploads may be lost with the server
  return events;
}

/// Runs `meanwhile` at the first event of a scan. Returns how the scan ends and the number of its events.
std::pair<std::string, std::size_t> scan(HistoryStore& store, const UploadId& upload,
                                         const std::function<void()>& meanwhile) {
  std::size_t count = 0;
  const auto ended = store.scan_events(upload, ChangeType::insert, [&](const Event&) -> Result<void> {
    if (++count == 1) meanwhile();
    return success();
  });
  return {error_of(ended), count};
}

TEST_F(PostgresFault, AScanThatIsCutOffFailsAndTheNextOneIsWhole) {
  const auto store = open();
  const auto events = apply_long_upload(*store, story_);
  const auto upload = events[0].upload.upload_id;
  for (const auto& end : std::vector<std::function<void()>>{[this] { session().value(kEndTheOthers); },
                                                            [this] { server_.kill(), server_.start(); }}) {
    const auto [error, count] = scan(*store, upload, end);
    EXPECT_EQ(error.substr(0, error.find('/')), "unavailable");
    EXPECT_LT(count, events.size());
    EXPECT_EQ(scan(*store, upload, [] {}), std::pair(std::string(), events.size()));
  }
}

TEST_F(PostgresFault, AScanOfAFrozenServerEnds) {
  postgres::Options options;
  options.url = url();
  options.connect_timeout = milliseconds(700);
  options.probe_every = milliseconds(100);
  const auto store = open(options);
  const auto events = apply_long_upload(*store, story_);
  const auto upload = events[0].upload.upload_id;
  const auto [error, count] = scan(*store, upload, [this] { server_.freeze(); });
  EXPECT_EQ(error, "unavailable/database-silent");
  EXPECT_LT(count, events.size());
  server_.thaw();
  EXPECT_EQ(scan(*store, upload, [] {}), std::pair(std::string(), events.size()));
}

TEST_F(PostgresFault, AScanMayTakeLongerThanAnAnswer) {
  const auto events = apply_long_upload(*open(), story_);
  postgres::Options options;
  options.url = url();
  options.answer_timeout = milliseconds(2000);
  const auto [error, count] =
      scan(*open(options), events[0].upload.upload_id, [this] { session().value("SELECT pg_sleep(2.5)"); });
  EXPECT_EQ(error, "");
  EXPECT_EQ(count, events.size());
}

TEST_F(PostgresFault, AScanEndsWhenTheProgramStops) {
  std::stop_source stop;
  const auto store = open({.url = url(), .stop = stop.get_token()});
  const auto events = apply_long_upload(*store, story_);
  const auto [error, count] = scan(*store, events[0].upload.upload_id, [&] { stop.request_stop(); });
  EXPECT_EQ(error, "shutting_down/stopping");
  EXPECT_LT(count, events.size());
}

TEST_F(PostgresFault, AWaitEndsWhenTheProgramStops) {
  std::stop_source stop;
  const auto store = open({.url = url(), .stop = stop.get_token()});
  HistoryFeed feed(*store);
  feed.record_all(story_.next(kRows));
  Gate gate(url(), "BEFORE INSERT ON company_data");
  auto applying = std::async(std::launch::async, [&] { return store->apply_next(story_.table(), now_); });
  ASSERT_TRUE(gate.wait_until_somebody_waits());
  stop.request_stop();
  EXPECT_EQ(error_of(applying.get()), "shutting_down/stopping");
  EXPECT_EQ(error_of(store->health()), "shutting_down/stopping");
}

}  // namespace
}  // namespace deltadrop::history
