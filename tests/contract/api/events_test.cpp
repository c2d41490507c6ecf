#include "api_fixture.hpp"

namespace deltadrop::api {
namespace {

class Events : public Api {
 protected:
  Events() {
    for (int i = 1; i <= 250; ++i) add_event(i);
  }

  void add_event(int number) {
    history::AppliedEvent applied;
    applied.applied_no = AppliedNo(1);
    applied.event.key_value = "k" + std::to_string(number);
    applied.event.new_values_json = R"({"id":"1.10"})";
    applied.event.seq = Seq(number);
    applied.event.line = Line(number);
    applied.event.upload.table = {"acme", "financials"};
    applied.event.upload.upload_id = upload_id(1);
    applied.event.upload.total = 250;
    history.applied_events.push_back(applied);
  }

  static int count(const test::RawResponse& response) {
    int found = 0;
    for (auto place = response.body.find("\"event_id\""); place != std::string::npos;
         place = response.body.find("\"event_id\"", place + 1)) {
      ++found;
    }
    return found;
  }

  static std::string resume_cursor(const test::RawResponse& response) {
    constexpr std::string_view kName = "\"resume_cursor\":\"";
    const auto begin = response.body.find(kName) + kName.size();
    return response.body.substr(begin, response.body.find('"', begin) - begin);
  }
};

TEST_F(Events, ComeByPagesWithoutGapsOrRepeats) {
  const auto first = get("/api/v1/events?limit=150");
  EXPECT_EQ(count(first), 150);
  EXPECT_TRUE(has(first, R"("seq":150,)"));
  const auto second = get("/api/v1/events?limit=150&cursor=" + next_cursor(first));
  EXPECT_EQ(count(second), 100);
  EXPECT_TRUE(has(second, R"("seq":151,)"));
  EXPECT_TRUE(has(second, R"("next_cursor":null)"));
  EXPECT_TRUE(has(second, R"("new_values":{"id":"1.10"})"));
}

TEST_F(Events, AreDownloadedAsJsonLines) {
  const auto download = [this](const std::string& query) {
    return test::fetch(server->address(), "GET", "/api/v1/events" + query,
                       "Accept: application/x-ndjson\r\n");
  };
  const auto all = download("");
  EXPECT_EQ(all.header("content-type"), "application/x-ndjson");
  EXPECT_EQ(all.header("vary"), "Accept");
  EXPECT_TRUE(all.whole);
  EXPECT_EQ(count(all), 250);
  EXPECT_EQ(std::count(all.body.begin(), all.body.end(), '\n'), 250);
  EXPECT_EQ(count(download("?limit=3")), 3);
  const auto page = get("/api/v1/events?limit=240");
  EXPECT_EQ(count(download("?cursor=" + next_cursor(page))), 10);
  EXPECT_EQ(download("?limit=none").status, 422);
  EXPECT_EQ(test::fetch(server->address(), "GET", "/api/v1/events", "Accept: text/csv\r\n").status, 406);
  history.down = Error{ErrorCode::unavailable, "no-database", "gone", "wait"};
  EXPECT_EQ(download("").status, 503);
}

TEST_F(Events, CanBeFollowed) {
  const auto all = get("/api/v1/events?limit=1000");
  EXPECT_EQ(count(all), 250);
  EXPECT_TRUE(has(all, R"("next_cursor":null)"));
  const auto nothing = get("/api/v1/events?cursor=" + resume_cursor(all));
  EXPECT_EQ(count(nothing), 0);
  EXPECT_EQ(resume_cursor(nothing), resume_cursor(all));
  add_event(251);
  EXPECT_TRUE(has(get("/api/v1/events?cursor=" + resume_cursor(nothing)), R"("key_value":"k251")"));
}

TEST_F(Events, AreFiltered) {
  get("/api/v1/events?company=acme&table=t&type=delete&key=a%20b&upload=" + upload_id(7).to_string());
  EXPECT_EQ(history.asked.company_id, "acme");
  EXPECT_EQ(history.asked.table_name, "t");
  EXPECT_EQ(history.asked.type, ChangeType::remove);
  EXPECT_EQ(history.asked.key_value, "a b");
  EXPECT_EQ(history.asked.upload_id, upload_id(7));
  get("/api/v1/events?since=2025-01-01&until=2025-02-01T00:00:00Z");
  EXPECT_EQ(history.asked.since, at("2025-01-01T00:00:00Z"));
  EXPECT_EQ(history.asked.until, at("2025-02-01T00:00:00Z"));
  EXPECT_EQ(get("/api/v1/events?since=today").status, 422);
  EXPECT_TRUE(has(get("/api/v1/events?until=2025-02-01T00:00:00"), "has no time zone"));
  EXPECT_EQ(get("/api/v1/events?type=changed").status, 422);
  EXPECT_EQ(get("/api/v1/events?upload=7").status, 422);
}

TEST_F(Events, OfADateBeginAndEndWithTheStartOfThatDay) {
  listen_in("Europe/Zurich");
  get("/api/v1/events?since=2025-01-01&until=2025-04-01");
  EXPECT_EQ(history.asked.since, at("2024-12-31T23:00:00Z"));
  EXPECT_EQ(history.asked.until, at("2025-03-31T22:00:00Z"));
}

TEST_F(Events, DeadLettersShowTheirBytes) {
  history::DeadLetterEntry entry;
  entry.letter.partition = {"cdc-events", eventlog::Partition(0)};
  entry.letter.offset = eventlog::Offset(5);
  entry.letter.reason = "no event";
  entry.letter.payload = "hello";
  history.letters.push_back(entry);
  entry.letter.payload = "\xFF\xFE";
  history.letters.push_back(entry);
  const auto response = get("/api/v1/dead-letters");
  EXPECT_TRUE(has(response, R"("log_offset":5,"reason":"no event")"));
  EXPECT_TRUE(has(response, R"("payload":"hello")"));
  EXPECT_TRUE(has(response, R"("payload":null,"payload_base64":"//4=")"));
}

TEST_F(Events, ADeadLetterIsShownByItsId) {
  history::DeadLetterEntry entry;
  entry.letter.partition = {"cdc-events", eventlog::Partition(2)};
  entry.letter.identity.topic_id = "a/b+c";
  entry.letter.offset = eventlog::Offset(5);
  entry.letter.payload = "hello";
  history.letters.push_back(entry);
  EXPECT_TRUE(has(get("/api/v1/dead-letters"), R"("id":"a/b+c.2.5")"));
  EXPECT_TRUE(has(get("/api/v1/dead-letters/a%2Fb%2Bc.2.5"), R"("payload":"hello")"));
  EXPECT_EQ(get("/api/v1/dead-letters/a%2Fb%2Bc.2.6").status, 404);
  EXPECT_EQ(get("/api/v1/dead-letters/nonsense").status, 422);
}

}  // namespace
}  // namespace deltadrop::api
