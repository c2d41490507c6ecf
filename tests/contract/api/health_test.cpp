#include "api_fixture.hpp"
#include "http/router.hpp"
#include "status/metrics.hpp"

namespace deltadrop::api {
namespace {

TEST_F(Api, HealthIsUpWhenAllAnswers) {
  const auto response = get("/health");
  EXPECT_EQ(response.status, 200);
  EXPECT_TRUE(has(response,
                  R"({"status":"UP","kafka":"UP","timestamp":"2025-06-01T12:00:00.000Z","database":"UP",)"
                  R"("clock":"UP","lake":"UP","pending":0,"unpublished":0,"held":0,"damaged":[],)"
                  R"("not_in_lake":0,"dead_letters":0,"lag":null,)"));
  EXPECT_TRUE(has(response, R"("lag":null,"blocked":[],"troubles":[],"version":")"));
  EXPECT_EQ(ingest.received->open, 0) << "the probe's file was left behind";
}

TEST_F(Api, HealthIsDegradedWhileUploadsAreTaken) {
  log.down = Error{ErrorCode::unavailable, "no-broker", "no broker answers", "start it"};
  const auto without_log = get("/health");
  EXPECT_EQ(without_log.status, 200);
  EXPECT_TRUE(has(without_log, R"({"status":"DEGRADED","kafka":"DOWN")"));
  EXPECT_TRUE(has(without_log, R"("troubles":["log: no broker answers; start it"])"));
  EXPECT_EQ(get("/health/ready").status, 200);
  log.down.reset();
  history::UploadStatus blocked;
  blocked.facts.table = {"acme", "financials"};
  blocked.facts.version = Version(3);
  blocked.state = history::UploadState::blocked;
  history.state.blocked.push_back(blocked);
  EXPECT_TRUE(has(get("/health"), R"("status":"DEGRADED")"));
  EXPECT_TRUE(has(get("/health"), "deltadrop republish acme financials --from-version 3"));
  history.state.blocked.clear();
  history.down = Error{ErrorCode::unavailable, "no-database", "gone", "wait"};
  EXPECT_TRUE(has(get("/health"), R"("database":"DOWN")"));
}

TEST_F(Api, HealthNamesWhatIsPublishedAndNotAppliedForAMinute) {
  add(version(1));
  for (int i = 2; i <= 4; ++i) {
    auto record = version(i);
    record.times.published_at = clock.now();
    add(record, false);
  }
  EXPECT_TRUE(has(get("/health"), R"({"status":"UP")"));
  EXPECT_TRUE(has(get("/health"), R"("pending":3,)"));
  clock.advance_ms(59'000);
  EXPECT_TRUE(has(get("/health"), R"({"status":"UP")"));
  clock.advance_ms(1'000);
  const auto late = get("/health");
  EXPECT_TRUE(has(late, R"({"status":"DEGRADED")"));
  EXPECT_TRUE(has(late, "version 2 of acme/financials (upload " + upload_id(2).to_string() + ")"));
  EXPECT_TRUE(has(late, "deltadrop republish"));
  // A blocked upload is reported only with its own fix.
  history::UploadStatus fork;
  fork.facts.upload_id = upload_id(2);
  fork.facts.table = {"acme", "financials"};
  fork.state = history::UploadState::conflict;
  history.state.blocked.push_back(fork);
  const auto named = get("/health");
  EXPECT_TRUE(has(named, R"("troubles":[])")) << "nobody is blamed for it: " << named.body;
  EXPECT_TRUE(has(named, R"("pending":3,)")) << named.body;
  EXPECT_TRUE(has(named, "deltadrop conflict resolve acme financials")) << named.body;
}

TEST_F(Api, HealthSaysNullForWhatItDoesNotKnow) {
  ingest.state_of_health.accepted_unpublished = 2;
  add(version(1), false);
  history.down = Error{ErrorCode::unavailable, "no-database", "gone", "wait"};
  const auto without_database = get("/health");
  EXPECT_TRUE(has(without_database, R"("database":"DOWN")"));
  EXPECT_TRUE(has(without_database, R"("lake":null,"pending":null,"unpublished":2,"held":0,)"));
  EXPECT_TRUE(has(without_database, R"("not_in_lake":null,"dead_letters":null,"lag":null,"blocked":null,)"));
  history.down.reset();
  ingest.down = Error{ErrorCode::unavailable, "disk-io", "catalog.db cannot be read", "look at the disk"};
  clock.advance_ms(1'000);
  const auto response = get("/health");
  EXPECT_TRUE(has(response, R"("pending":null,"unpublished":null,"held":null,"damaged":null,)"));
  EXPECT_TRUE(has(response, R"({"status":"DOWN","kafka":"UP")"));
}

/// The API with /metrics.
class CountingApi : public Api {
 protected:
  CountingApi() {
    http::ServerOptions options;
    options.port = 0;
    const Services services{ingest, log, history, history, nullptr, clock, metrics_.get()};
    server = std::move(http::Server::listen(options, all_routes(services))).value();
  }

  std::unique_ptr<status::Metrics> metrics_ = status::make_prometheus_metrics();
};

TEST_F(CountingApi, HealthFindsThatNoConsumerRuns) {
  auto record = version(1);
  record.times.published_at = clock.now();
  add(record, false);
  EXPECT_TRUE(has(get("/health"), R"({"status":"UP")"));
  clock.advance_ms(59'000);
  EXPECT_TRUE(has(get("/health"), R"({"status":"UP")"));
  clock.advance_ms(1'000);
  const auto response = get("/health");
  EXPECT_TRUE(has(response, R"({"status":"DEGRADED","kafka":"UP")"));
  EXPECT_TRUE(has(response, R"("troubles":["no consumer seems to run; for a minute nothing was recorded or )"
                            R"(applied, and 1 upload waits: start `deltadrop consume`)"));
  EXPECT_TRUE(has(get("/metrics"), "\ndeltadrop_consumer_up 0\n"));
  EXPECT_TRUE(has(get("/metrics"), "\ndeltadrop_waiting_tables 1\n"));
  // A consumer that works through a backlog is running, although this upload waits.
  history.state.uploads_recorded = 1;
  EXPECT_EQ(get("/health").body.find("no consumer"), std::string::npos);
  EXPECT_TRUE(has(get("/metrics"), "\ndeltadrop_consumer_up 1\n"));
  clock.advance_ms(60'000);
  EXPECT_TRUE(has(get("/health"), "no consumer seems to run"));
  history.statuses[upload_id(1)].recorded = 1;
  clock.advance_ms(1'000);
  EXPECT_EQ(get("/health").body.find("no consumer"), std::string::npos) << "a large upload is being recorded";
  clock.advance_ms(60'000);
  EXPECT_TRUE(has(get("/health"), "no consumer seems to run"));
  history.last_no = AppliedNo(1);
  EXPECT_EQ(get("/health").body.find("no consumer"), std::string::npos);
  clock.advance_ms(60'000);
  EXPECT_TRUE(has(get("/health"), "no consumer seems to run"));
  // Without the log no consumer can work, so only the log is reported.
  log.down = Error{ErrorCode::unavailable, "no-broker", "no broker answers", "start it"};
  EXPECT_EQ(get("/health").body.find("no consumer"), std::string::npos);
  EXPECT_TRUE(has(get("/metrics"), "\ndeltadrop_consumer_up Nan\n"));
}

TEST_F(CountingApi, MetricsOfAStoreThatIsDownDoNotVanish) {
  history.last_no = AppliedNo(5);
  auto text = get("/metrics");
  for (const std::string line : {"kafka_up 1", "database_up 1", "lake_up 1", "consumer_up 1",
                                 "unapplied_uploads 0", "applied_uploads 5", "dead_letters 0"}) {
    EXPECT_TRUE(has(text, "\ndeltadrop_" + line + "\n"));
  }
  EXPECT_EQ(text.body.find("deltadrop_unrecorded_messages"), std::string::npos) << "it consumes nothing";
  history.down = Error{ErrorCode::unavailable, "no-database", "gone", "wait"};
  text = get("/metrics");
  for (const std::string line :
       {"kafka_up 1", "database_up 0", "lake_up Nan", "consumer_up Nan", "unapplied_uploads Nan",
        "applied_uploads Nan", "uploads_not_in_lake Nan", "blocked_uploads Nan", "dead_letters Nan",
        "pending_uploads 0", "held_uploads 0", "waiting_tables Nan"}) {
    EXPECT_TRUE(has(text, "\ndeltadrop_" + line + "\n"));
  }
  log.down = Error{ErrorCode::unavailable, "no-broker", "no broker answers", "start it"};
  EXPECT_TRUE(has(get("/metrics"), "\ndeltadrop_kafka_up 0\n"));
}

TEST_F(Api, HealthAsksTheHistoryOnceForAllTables) {
  for (int table = 1; table <= 50; ++table) {
    for (int i = 1; i <= 4; ++i) {
      auto record = version(i);
      record.upload_id = upload_id(10 * table + i);
      record.table.company_id = "c" + std::to_string(table);
      record.times.published_at = clock.now();
      // The tables whose number is a multiple of 10 wait from version 2 on.
      add(record, table % 10 != 0 || i == 1);
    }
  }
  const auto response = get("/health");
  EXPECT_TRUE(has(response, R"("pending":15,)")) << response.body;
  EXPECT_LE(history.questions, 1 + 2) << "the last versions, then 4 versions halved";
}

/// After all tables have been checked, only changes cost queries.
TEST_F(Api, HealthAsksOnlyForWhatHasChanged) {
  const auto add_to = [this](int table, int number, bool applied) {
    auto record = version(number);
    record.upload_id = upload_id(10 * table + number);
    record.table.company_id = fmt::format("c{:04}", table);
    record.times.published_at = clock.now();
    add(record, applied);
    if (applied) history.last_no = AppliedNo(history.last_no.value + 1);
  };
  const auto apply = [this](int table, int number) {
    history.statuses[upload_id(10 * table + number)].state = history::UploadState::applied;
    history.last_no = AppliedNo(history.last_no.value + 1);
  };
  for (int table = 1; table <= 500; ++table) add_to(table, 1, true);
  EXPECT_TRUE(has(get("/health"), R"("pending":0,)"));
  history.uploads_asked = 0;
  ingest.questions_for_all_tables = 0;
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(has(get("/health"), R"("pending":0,)"));
  add_to(7, 2, false);
  add_to(7, 3, false);
  add_to(900, 1, false);
  EXPECT_TRUE(has(get("/health"), R"("pending":3,)"));
  apply(7, 2);
  EXPECT_TRUE(has(get("/health"), R"("pending":2,)"));
  add_to(7, 4, false);
  EXPECT_TRUE(has(get("/health"), R"("pending":3,)"));
  apply(7, 3);
  apply(900, 1);
  EXPECT_TRUE(has(get("/health"), R"("pending":1,)"));
  apply(7, 4);
  EXPECT_TRUE(has(get("/health"), R"("pending":0,)"));
  EXPECT_EQ(ingest.questions_for_all_tables, 0);
  EXPECT_LE(history.uploads_asked, 120) << "of 500 tables";
}

/// A history that was restored from an older copy, or replaced, is checked completely.
TEST_F(Api, HealthLooksAtAllTablesWhenTheHistoryWentBackOrWasGone) {
  for (int table = 1; table <= 100; ++table) {
    auto record = version(1);
    record.upload_id = upload_id(table);
    record.table.company_id = fmt::format("c{:04}", table);
    add(record);
  }
  history.last_no = AppliedNo(100);
  EXPECT_TRUE(has(get("/health"), R"("pending":0,)"));
  history.statuses.erase(upload_id(90));
  history.last_no = AppliedNo(99);
  EXPECT_TRUE(has(get("/health"), R"("pending":1,)"));
  history.statuses.erase(upload_id(91));
  history.down = Error{ErrorCode::unavailable, "no-database", "gone", "wait"};
  EXPECT_TRUE(has(get("/health"), R"("database":"DOWN")"));
  history.down.reset();
  EXPECT_TRUE(has(get("/health"), R"("pending":2,)"));
  // Repeated calls find losses that the counters do not show.
  history.statuses.erase(upload_id(92));
  std::string body;
  for (int i = 0; i < 50 && body.find(R"("pending":3,)") == std::string::npos; ++i)
    body = get("/health").body;
  EXPECT_NE(body.find(R"("pending":3,)"), std::string::npos) << body;
}

TEST_F(Api, HealthLooksUpTheLateOnceASecondAndWhenTheyChange) {
  constexpr int kTables = 20;
  const auto id_of = [](int table, int number) { return upload_id(10 * table + number); };
  for (int table = 1; table <= kTables; ++table) {
    for (int number = 1; number <= 3; ++number) {
      auto record = version(number);
      record.upload_id = id_of(table, number);
      record.table.company_id = fmt::format("c{:04}", table);
      record.times.published_at = clock.now();
      add(record, number == 1);
    }
  }
  clock.advance_ms(60'000);
  const auto looks = [&](int count) {
    ingest.questions_for_uploads = 0;
    std::string body;
    for (int i = 0; i < count; ++i) body = get("/health").body;
    return body;
  };
  EXPECT_NE(looks(20).find("version 2 of c0003/financials"), std::string::npos);
  EXPECT_EQ(ingest.questions_for_uploads, kTables) << "once each, though the patrol passed each table";
  clock.advance_ms(1'000);
  looks(5);
  EXPECT_EQ(ingest.questions_for_uploads, kTables);
  // A change is reported at once.
  history.statuses[id_of(3, 2)] = history.statuses[id_of(3, 1)];
  history.last_no = AppliedNo(1);
  EXPECT_NE(looks(1).find("version 3 of c0003/financials"), std::string::npos);
  history.statuses[id_of(3, 3)] = history.statuses[id_of(3, 1)];
  history.last_no = AppliedNo(2);
  EXPECT_EQ(looks(1).find("c0003"), std::string::npos);
}

/// The history is restored from an older copy and applies as many uploads again.
TEST_F(Api, HealthNamesTheFirstVersionOfATableThatWaitedAndLostMore) {
  for (int i = 1; i <= 5; ++i) {
    auto record = version(i);
    record.times.published_at = clock.now();
    add(record, i <= 3);
  }
  history.last_no = AppliedNo(3);
  clock.advance_ms(60'000);
  EXPECT_TRUE(has(get("/health"), "--from-version 4"));
  history.statuses.erase(upload_id(2));
  history.statuses.erase(upload_id(3));
  std::string body;
  for (int i = 0; i < 5 && body.find("--from-version 2`") == std::string::npos; ++i)
    body = get("/health").body;
  EXPECT_NE(body.find("--from-version 2`"), std::string::npos) << body;
  EXPECT_NE(body.find(R"("pending":4,)"), std::string::npos) << body;
}

TEST_F(Api, HealthAsksTheDiskOnceASecond) {
  for (int i = 0; i < 20; ++i) EXPECT_EQ(get(i % 2 == 0 ? "/health" : "/health/ready").status, 200);
  EXPECT_EQ(ingest.received->opened, 1);
  ingest.down = Error{ErrorCode::unavailable, "disk-full", "no room", "make room"};
  clock.advance_ms(1'000);
  EXPECT_EQ(get("/health").status, 503);
  EXPECT_EQ(get("/health/ready").status, 507);
  ingest.down.reset();
  clock.advance_ms(1'000);
  EXPECT_EQ(get("/health/ready").status, 200);
  clock.set(clock.now().plus_ms(-3'600'000));
  EXPECT_EQ(get("/health").status, 200);
  EXPECT_EQ(ingest.received->opened, 3) << "a clock that is set back keeps no answer";
}

TEST_F(Api, HealthKeepsTheAnswerOfASlowDiskToo) {
  ingest.on_receive = [this] { clock.advance_ms(2'000); };
  EXPECT_EQ(get("/health/ready").status, 200);
  EXPECT_EQ(get("/health/ready").status, 200);
  EXPECT_EQ(ingest.received->opened, 1);
}

TEST_F(Api, HealthIsDownWhenUploadsCannotBeTaken) {
  ingest.down =
      Error{ErrorCode::unavailable, "read-only", "DATA_DIR cannot be written", "mount it read-write"};
  const auto response = get("/health");
  EXPECT_EQ(response.status, 503);
  EXPECT_TRUE(has(response, R"({"status":"DOWN","kafka":"UP")"));
  EXPECT_EQ(get("/health/ready").status, 503);
  EXPECT_EQ(get("/health/live").status, 200);
  ingest.down.reset();
  ingest.received->refuse_write = Error{ErrorCode::unavailable, "disk-full", "no room", "make room"};
  EXPECT_EQ(get("/health").status, 503);
}

TEST_F(Api, RepublishIsAskedForWithATableOrWithout) {
  EXPECT_EQ(test::fetch(server->address(), "POST", "/api/v1/republish").status, 202);
  EXPECT_FALSE(ingest.republished->table);
  const auto one = test::fetch(server->address(), "POST",
                               "/api/v1/republish?company=acme&table=financials&from_version=7");
  EXPECT_EQ(one.status, 202);
  EXPECT_TRUE(has(one, R"({"tables":1,"uploads":3})"));
  EXPECT_EQ(ingest.republished->table, (TableRef{"acme", "financials"}));
  EXPECT_EQ(ingest.republished->from, Version(7));
  add(version(1));
  EXPECT_TRUE(
      has(test::fetch(server->address(), "POST", "/api/v1/republish?company=acme"), R"("tables":1,)"));
  EXPECT_EQ(ingest.republished->table, (TableRef{"acme", "financials"}));
  EXPECT_TRUE(has(test::fetch(server->address(), "POST", "/api/v1/republish?table=other"), R"("tables":0,)"));
  for (const std::string query :
       {"company=a%2Fb", "company=acme&table=a%2Fb", "from_version=0", "form_version=2"}) {
    EXPECT_EQ(test::fetch(server->address(), "POST", "/api/v1/republish?" + query).status, 422) << query;
  }
}

TEST_F(Api, RepublishIsForTheServersOwnMachine) {
  const http::Router router(all_routes({ingest, log, history, history, nullptr, clock}));
  const auto* route = router.find("POST", {"api", "v1", "republish"}).route;
  ASSERT_NE(route, nullptr);
  http::Request request;
  request.method = "POST";
  for (const std::string address : {"192.168.0.2", "10.127.0.1", "::2", "::ffff:10.0.0.1", ""}) {
    request.remote_address = address;
    EXPECT_EQ(route->handle(request).status, 404U) << address;
  }
  EXPECT_FALSE(ingest.republished);
  for (const std::string address : {"127.0.0.1", "::1", "::ffff:127.0.0.1"}) {
    request.remote_address = address;
    EXPECT_EQ(route->handle(request).status, 202U) << address;
  }
}

TEST_F(Api, AcceptingTheClockIsForTheServersOwnMachine) {
  const http::Router router(all_routes({ingest, log, history, history, nullptr, clock}));
  const auto* route = router.find("POST", {"api", "v1", "clock", "accept"}).route;
  ASSERT_NE(route, nullptr);
  http::Request request;
  request.method = "POST";
  request.remote_address = "192.168.0.2";
  EXPECT_EQ(route->handle(request).status, 404U);
  request.remote_address = "127.0.0.1";
  EXPECT_EQ(route->handle(request).status, 200U);
}

TEST_F(Api, TheLandingPageListsTheEndpoints) {
  EXPECT_TRUE(has(get("/"), R"("GET /health")"));
  EXPECT_TRUE(has(get("/"), R"("POST /upload")"));
}

TEST_F(Api, TheLandingPageNamesTheServerAsItsClientDoes) {
  const auto tried_at = [this](const std::string& host) {
    test::RawClient client(server->address());
    client.send("GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n");
    const auto body = client.read_response().body;
    constexpr std::string_view kBefore = "curl -F file=@so-financials.csv ";
    const auto begin = body.find(kBefore) + kBefore.size();
    return body.substr(begin, body.find('"', begin) - begin);
  };
  for (const std::string host :
       {"x", "127.0.0.1:8123", "Deltadrop.example", "deltadrop.example:8443", "[::1]:8000", "[::1]"}) {
    EXPECT_EQ(tried_at(host), "http://" + host + "/upload");
  }
  // Users paste the command into a shell, so a name with other characters is not repeated...
  for (const std::string host : {"$(id)", "a;id", "-o", "'a'", "a%20b"}) {
    EXPECT_EQ(tried_at(host), "http://" + server->address() + "/upload") << host;
  }
  // ...and an invalid host is rejected.
  for (const std::string host :
       {"", ":8000", "a b", "a:port", "a:123456", "[::1", "u@a", "a/b", "[a]", "[]"}) {
    test::RawClient client(server->address());
    client.send("GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n");
    EXPECT_EQ(client.read_response().status, 400) << host;
  }
  test::RawClient old(server->address());
  old.send("GET / HTTP/1.0\r\n\r\n");
  EXPECT_TRUE(has(old.read_response(), "http://" + server->address() + "/upload"));
}

}  // namespace
}  // namespace deltadrop::api
