#include "api_fixture.hpp"

namespace deltadrop::api {
namespace {

history::StoredRecord row(const std::string& key, int from, std::optional<int> to, const std::string& data) {
  const auto first_of = [](int month) { return at(fmt::format("2025-{:02}-01T00:00:00Z", month)); };
  return {key,           data,           first_of(from), to ? std::optional(first_of(*to)) : std::nullopt,
          Version(from), upload_id(from)};
}

/// Three versions. Version 2 changes `b`; version 3 inserts `c` and drops the column `note`.
class Records : public Api {
 protected:
  Records() {
    for (int i = 1; i <= 3; ++i) {
      auto record = version(i);
      if (i < 3) record.reading.tracked = {"id", "note", "revenue"};
      add(record);
    }
    history.stored = {row("a", 1, std::nullopt, R"({"revenue":"1.10","note":"x","id":"a"})"),
                      row("b", 1, 2, R"({"id":"b","revenue":"2"})"),
                      row("b", 2, std::nullopt, R"({"id":"b","revenue":null})"),
                      row("c", 3, std::nullopt, R"({"id":"c","revenue":"3"})")};
  }
};

TEST_F(Records, HaveExactlyTheTrackedColumnsOfTheirVersion) {
  EXPECT_EQ(
      get(kRecords + "?version=2").body,
      R"({"records":[{"key":"a","values":{"id":"a","note":"x","revenue":"1.10"},)"
      R"("valid_from":"2025-01-01T00:00:00.000Z","valid_to":null,"version":1,)"
      R"("upload_id":"0195f3a0-7c00-7000-8000-000000000001"},)"
      R"({"key":"b","values":{"id":"b","note":null,"revenue":null},"valid_from":"2025-02-01T00:00:00.000Z",)"
      R"("valid_to":null,"version":2,"upload_id":"0195f3a0-7c00-7000-8000-000000000002"}],)"
      R"("next_cursor":null,"version":2,"complete":true,"as_of":"2025-02-01T00:00:00.000Z"})");
  EXPECT_TRUE(has(get(kRecords), R"("values":{"id":"a","revenue":"1.10"})"));
}

TEST_F(Records, AreThoseOfTheTimeAskedFor) {
  EXPECT_TRUE(has(get(kRecords), R"("version":3,"complete":true,"as_of":"2025-06-01T12:00:00.000Z")"));
  EXPECT_TRUE(has(get(kRecords + "?as_of=2025-02-01"), R"("next_cursor":null,"version":2,)"));
  EXPECT_TRUE(has(get(kRecords + "?as_of=2025-01-31T23:59:59.999Z"), R"("next_cursor":null,"version":1,)"));
  EXPECT_TRUE(has(get(kRecords + "?as_of=2025-02-01T01:00:00+02:00"), R"("next_cursor":null,"version":1,)"));
  EXPECT_EQ(
      get(kRecords + "?as_of=2024-12-31").body,
      R"({"records":[],"next_cursor":null,"version":null,"complete":true,"as_of":"2024-12-31T23:59:59.999Z"})");
  EXPECT_EQ(get(kRecords + "?as_of=yesterday").status, 422);
  EXPECT_EQ(get(kRecords + "?as_of=2025-02-01&version=1").status, 409);
  EXPECT_TRUE(has(get(kRecords + "?as_of=2025-01-15&version=1"), R"("version":1)"));
  EXPECT_EQ(get(kRecords + "?version=4").status, 404);
  EXPECT_EQ(get("/api/v1/tables/nobody/financials/records").status, 404);
}

TEST_F(Records, OfADateAreThoseOfTheEndOfThatDay) {
  auto morning = version(4);
  morning.times.effective_at = at("2025-04-10T09:00:00Z");
  add(morning);
  EXPECT_TRUE(has(get(kRecords + "?as_of=2025-04-10"),
                  R"("version":4,"complete":true,"as_of":"2025-04-10T23:59:59.999Z")"));
  EXPECT_TRUE(has(get(kRecords + "?as_of=2025-04-09"),
                  R"("version":3,"complete":true,"as_of":"2025-04-09T23:59:59.999Z")"));
  EXPECT_TRUE(has(get(kRecords + "?as_of=2025-04-10&version=4"), R"("version":4)"));
  listen_in("Asia/Tokyo");
  EXPECT_TRUE(has(get(kRecords + "?as_of=2025-04-09"),
                  R"("version":3,"complete":true,"as_of":"2025-04-09T14:59:59.999Z")"));
  listen_in("Pacific/Honolulu");  // 09:00 UTC is 23:00 of the previous day
  EXPECT_TRUE(has(get(kRecords + "?as_of=2025-04-09"),
                  R"("version":4,"complete":true,"as_of":"2025-04-10T09:59:59.999Z")"));
}

TEST_F(Records, OfATimeWithoutAZoneAreRefused) {
  const auto refused = get(kRecords + "?as_of=2025-02-01T12:00:00");
  EXPECT_EQ(refused.status, 422);
  EXPECT_TRUE(has(refused, R"(as_of \"2025-02-01T12:00:00\" has no time zone)"));
  EXPECT_TRUE(
      has(refused, "write 2025-02-01T12:00:00Z for UTC, or add the offset: 2025-02-01T12:00:00+01:00"));
}

TEST_F(Records, OfThePresentAreTheLastVersionThoughTheClockLags) {
  clock.set(at("2025-02-15T00:00:00Z"));
  EXPECT_TRUE(has(get(kRecords), R"("version":3,"complete":true,"as_of":"2025-03-01T00:00:00.000Z")"));
  EXPECT_TRUE(has(get(kRecords + "?as_of=2025-02-15"), R"("next_cursor":null,"version":2,)"));
}

TEST_F(Records, ComeByPagesOverBatches) {
  history.stored.clear();
  for (int i = 0; i < 250; ++i)
    history.stored.push_back(row(fmt::format("k{:03}", i), 1, std::nullopt, "{}"));
  const auto first = get(kRecords + "?limit=200");
  EXPECT_TRUE(has(first, R"("key":"k199")"));
  EXPECT_FALSE(has(first, R"("key":"k200")"));
  const auto second = get(kRecords + "?limit=200&cursor=" + next_cursor(first));
  EXPECT_TRUE(has(second, R"({"records":[{"key":"k200")"));
  EXPECT_TRUE(has(second, R"("key":"k249")"));
  EXPECT_TRUE(has(second, R"("next_cursor":null)"));
}

TEST_F(Records, AreOfTheLastAppliedVersion) {
  history.statuses.erase(upload_id(3));
  EXPECT_TRUE(has(get(kRecords), R"("version":2,"complete":false)"));
  history.statuses.clear();
  EXPECT_TRUE(has(get(kRecords), R"({"records":[],"next_cursor":null,"version":null,"complete":false)"));
  history.down = Error{ErrorCode::unavailable, "no-database", "gone", "wait"};
  EXPECT_EQ(get(kRecords).status, 503);
}

TEST_F(Records, StayAtOneVersionOverAllPages) {
  history.statuses.erase(upload_id(3));
  const auto first = get(kRecords + "?limit=1");
  EXPECT_TRUE(has(first, R"({"records":[{"key":"a")"));
  history::UploadStatus applied;
  applied.state = history::UploadState::applied;
  history.statuses[upload_id(3)] = applied;
  const auto second = get(kRecords + "?limit=1&cursor=" + next_cursor(first));
  EXPECT_TRUE(has(second, R"({"records":[{"key":"b")"));
  EXPECT_TRUE(
      has(second, R"("next_cursor":null,"version":2,"complete":false,"as_of":"2025-06-01T12:00:00.000Z")"));
}

TEST_F(Records, OfAVersionThatIsNotAppliedAreRefused) {
  history.statuses.erase(upload_id(3));
  const auto refused = get(kRecords + "?version=3");
  EXPECT_EQ(refused.status, 409);
  EXPECT_TRUE(has(refused, "not-applied-yet"));
  EXPECT_TRUE(has(refused, "/api/v1/uploads/" + upload_id(3).to_string() + "?wait=applied"));
  EXPECT_TRUE(has(get(kRecords + "?version=2"), R"("version":2,"complete":true)"));
  EXPECT_EQ(get(kRecords + "?version=4").status, 404);
}

TEST_F(Records, ACursorGoesOnWithItsOwnListOnly) {
  auto other = version(1);
  other.upload_id = upload_id(9);
  other.table = {"acme", "other"};
  add(other);
  const std::string page = "?limit=1&cursor=" + next_cursor(get(kRecords + "?limit=1&version=2"));
  for (const auto* fits : {"", "&version=2", "&as_of=2025-02-01T00:00:00Z", "&version=2&as_of=2025-02-15"}) {
    EXPECT_TRUE(has(get(kRecords + page + fits), R"({"records":[{"key":"b")")) << fits;
  }
  for (const auto* contradicts : {"&version=1", "&version=3", "&as_of=2025-02-02", "&version=x"}) {
    EXPECT_EQ(get(kRecords + page + contradicts).status, contradicts == std::string("&version=x") ? 422 : 404)
        << contradicts;
  }
  const auto of_another = get("/api/v1/tables/acme/other/records" + page);
  EXPECT_EQ(of_another.status, 404);
  EXPECT_TRUE(has(of_another, "bad-cursor"));
}

TEST_F(Records, ACursorStandsBehindAnyKey) {
  history.stored.clear();
  history.stored.push_back(
      row("a\x1f"
          "b",
          1, std::nullopt, "{}"));
  history.stored.push_back(row("c", 1, std::nullopt, "{}"));
  const auto first = get(kRecords + "?limit=1");
  EXPECT_TRUE(has(get(kRecords + "?limit=1&cursor=" + next_cursor(first)), R"({"records":[{"key":"c")"));
}

class KeyHistory : public Api {
 protected:
  void change(int number, ChangeType type, const std::string& key, const std::string& values) {
    history::AppliedEvent applied;
    applied.applied_no = AppliedNo(number);
    applied.event.type = type;
    applied.event.key_value = key;
    applied.event.new_values_json = values;
    applied.event.seq = Seq(1);
    applied.event.line = Line(2);
    applied.event.upload.table = {"acme", "financials"};
    applied.event.upload.upload_id = upload_id(number);
    applied.event.upload.file_id = "acme_a1b2c3d4";
    applied.event.upload.version = Version(number);
    applied.event.upload.effective_at = at(fmt::format("2025-{:02}-01T00:00:00Z", number));
    applied.event.upload.timestamp = applied.event.upload.effective_at;
    if (type == ChangeType::update) applied.event.changed_columns = {"revenue"};
    history.applied_events.push_back(applied);
  }
};

TEST_F(KeyHistory, IsOldestFirstAndEndsWithItsDelete) {
  add(version(1));
  change(1, ChangeType::insert, "a/b", R"({"id":"a/b","revenue":"1"})");
  change(2, ChangeType::update, "a/b", R"({"id":"a/b","revenue":"2"})");
  change(3, ChangeType::remove, "a/b", "");
  const auto whole = get(kRecords + "/a%2Fb/history");
  EXPECT_TRUE(has(whole, R"({"history":[{"event_type":"insert","changed_columns":[],"key":"a/b",)"
                         R"("values":{"id":"a/b","revenue":"1"},"valid_from":"2025-01-01T00:00:00.000Z",)"
                         R"("valid_to":"2025-02-01T00:00:00.000Z","version":1,)"));
  EXPECT_TRUE(has(whole, R"({"event_type":"update","changed_columns":["revenue"],)"));
  EXPECT_TRUE(has(whole, R"({"event_type":"delete","changed_columns":[],"key":"a/b","values":null,)"
                         R"("valid_from":"2025-03-01T00:00:00.000Z","valid_to":null,"version":3)"));
  EXPECT_TRUE(has(whole, R"("file_id":"acme_a1b2c3d4","line":2,"event_id":)"));
  EXPECT_TRUE(has(whole, R"("timestamp":"2025-03-01T00:00:00.000Z"}],"next_cursor":null})"));
  EXPECT_EQ(get(kRecords + "/history?key=a%2Fb").body, whole.body);
  const auto first = get(kRecords + "/a%2Fb/history?limit=2");
  EXPECT_TRUE(has(get(kRecords + "/a%2Fb/history?limit=2&cursor=" + next_cursor(first)),
                  R"({"history":[{"event_type":"delete")"));
  EXPECT_EQ(get(kRecords + "/other/history").body, R"({"history":[],"next_cursor":null})");
  EXPECT_EQ(get(kRecords + "/history").status, 422);
  EXPECT_EQ(get("/api/v1/tables/nobody/financials/records/a/history").status, 404);
}

}  // namespace
}  // namespace deltadrop::api
