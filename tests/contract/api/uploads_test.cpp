#include <thread>

#include "api_fixture.hpp"

namespace deltadrop::api {
namespace {

const std::string kFirst = "/api/v1/uploads/0195f3a0-7c00-7000-8000-000000000001";

TEST_F(Api, AnUploadSaysHowFarItIs) {
  add(version(1), false);
  EXPECT_TRUE(has(get(kFirst), R"("applied":false,"in_lake":false)"));
  add(version(2, 1));
  EXPECT_TRUE(
      has(get("/api/v1/uploads/0195f3a0-7c00-7000-8000-000000000002"), R"("applied":true,"in_lake":false)"));
  history.down = Error{ErrorCode::unavailable, "no-database", "gone", "wait"};
  EXPECT_TRUE(has(get(kFirst), R"("applied":null,"in_lake":null,"history":null)"));
  EXPECT_EQ(get("/api/v1/uploads/0195f3a0-7c00-7000-8000-000000000009").status, 404);
  EXPECT_EQ(get("/api/v1/uploads/nonsense").status, 404);
}

TEST_F(Api, AVersionWithoutEventsIsAsFarAsTheOneBefore) {
  add(version(1));
  auto empty = version(2, 0);
  empty.previous_upload_id = upload_id(1);
  add(empty, false);
  EXPECT_TRUE(has(get("/api/v1/uploads/0195f3a0-7c00-7000-8000-000000000002"), R"("applied":true)"));
  history.statuses.clear();
  EXPECT_TRUE(has(get("/api/v1/uploads/0195f3a0-7c00-7000-8000-000000000002"), R"("applied":false)"));
}

TEST_F(Api, WaitsUntilPublished) {
  auto record = version(1);
  record.state = ingest::UploadState::accepted;
  add(record, false);
  EXPECT_TRUE(has(get(kFirst + "?wait=published&timeout=1ms"), R"("state":"accepted")"));
  std::thread publisher([this] {
    EXPECT_TRUE(ingest.wait_for_waiters());
    ingest.publish(upload_id(1));
  });
  EXPECT_TRUE(has(get(kFirst + "?wait=published&timeout=20s"), R"("state":"published")"));
  publisher.join();
  EXPECT_EQ(get(kFirst + "?wait=forever").status, 422);
  EXPECT_EQ(get(kFirst + "?wait=applied&timeout=soon").status, 422);
}

TEST_F(Api, RefusesToWaitForMoreThanEightAtATime) {
  auto record = version(1);
  record.state = ingest::UploadState::accepted;
  add(record, false);
  std::vector<std::jthread> waiters;
  for (int i = 0; i < 8; ++i) {
    waiters.emplace_back(
        [this] { EXPECT_TRUE(has(get(kFirst + "?wait=published&timeout=20s"), R"("state":"published")")); });
  }
  ASSERT_TRUE(ingest.wait_for_waiters(8));
  const auto refused = get(kFirst + "?wait=published&timeout=20s");
  EXPECT_EQ(refused.status, 503);
  EXPECT_NE(refused.body.find("/problems/too-busy"), std::string::npos) << refused.body;
  EXPECT_FALSE(refused.header("retry-after").empty());
  EXPECT_EQ(get(kFirst).status, 200) << "without wait=";
  ingest.publish(upload_id(1));
  waiters.clear();
  EXPECT_EQ(get(kFirst + "?wait=published&timeout=20s").status, 200) << "the places are free again";
}

TEST_F(Api, AWaitThatFailsGivesItsPlaceBack) {
  auto record = version(1);
  record.state = ingest::UploadState::accepted;
  add(record, false);
  ingest.fault = "a fault while it waits";
  for (int i = 0; i < 9; ++i) EXPECT_EQ(get(kFirst + "?wait=published&timeout=1ms").status, 500);
  ingest.fault.reset();
  EXPECT_EQ(get(kFirst + "?wait=published&timeout=1ms").status, 200);
}

TEST_F(Api, AStoppingServerEndsWaits) {
  auto record = version(1);
  record.state = ingest::UploadState::accepted;
  add(record, false);
  std::thread stopper([this] {
    EXPECT_TRUE(ingest.wait_for_waiters());
    server->stop(std::chrono::seconds(20));
  });
  const auto start = std::chrono::steady_clock::now();
  EXPECT_TRUE(has(get(kFirst + "?wait=published&timeout=20s"), R"("state":"accepted")"));
  stopper.join();
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
}

TEST_F(Api, ListsUploadsNewestFirstByPages) {
  for (int i = 1; i <= 5; ++i) add(version(i));
  auto other = version(6);
  other.table = {"other", "financials"};
  other.state = ingest::UploadState::held;
  add(other);
  const auto first = get("/api/v1/uploads?company=acme&limit=3");
  EXPECT_TRUE(has(first, R"({"uploads":[{"upload_id":"0195f3a0-7c00-7000-8000-000000000005")"));
  const auto second = get("/api/v1/uploads?company=acme&limit=3&cursor=" + next_cursor(first));
  EXPECT_TRUE(has(second, R"({"uploads":[{"upload_id":"0195f3a0-7c00-7000-8000-000000000002")"));
  EXPECT_TRUE(has(second, R"("next_cursor":null)"));
  EXPECT_TRUE(has(get("/api/v1/uploads?state=held"), R"("company_id":"other")"));
  EXPECT_TRUE(has(get("/api/v1/uploads?company=acme&table=financials&limit=5"), R"("next_cursor":null)"));
  EXPECT_EQ(get("/api/v1/uploads?state=lost").status, 422);
}

TEST_F(Api, RefusesBadParametersAndNamesThem) {
  add(version(1));
  for (const std::string query :
       {"limit=0", "limit=1001", "limit=x", "limit=", "limit=1&limit=2", "compny=x", "company="}) {
    const auto response = get("/api/v1/uploads?" + query);
    EXPECT_EQ(response.status, 422) << query;
    EXPECT_TRUE(has(response, query.substr(0, query.find('=')))) << query;
  }
  for (const std::string cursor : {"%25", "YWJj", "x"}) {
    const auto response = get("/api/v1/uploads?cursor=" + cursor);
    EXPECT_EQ(response.status, 404) << cursor;
    EXPECT_TRUE(has(response, "bad-cursor")) << cursor;
  }
}

TEST_F(Api, ListsChangesByPages) {
  add(version(1));
  ingest.change_json = {R"({"seq":1})", R"({"seq":2})", R"({"seq":3})"};
  const auto first = get(kFirst + "/changes?limit=2");
  EXPECT_TRUE(has(first, R"({"changes":[{"seq":1},{"seq":2}],"next_cursor":")"));
  EXPECT_EQ(get(kFirst + "/changes?limit=2&cursor=" + next_cursor(first)).body,
            R"({"changes":[{"seq":3}],"next_cursor":null})");
}

TEST_F(Api, ReleasesAndDiscards) {
  add(version(1));
  ingest.release_outcome = []() -> Result<ingest::UploadReport> {
    return Error{ErrorCode::conflict, "table-moved-on", "there is a newer version", "upload it again"};
  };
  EXPECT_EQ(test::fetch(server->address(), "POST", kFirst + "/release").status, 409);
  EXPECT_EQ(ingest.released, upload_id(1));
  ingest.release_outcome = []() -> Result<ingest::UploadReport> {
    return ingest::UploadReport{ingest::UploadStatus::published, version(1), {}};
  };
  EXPECT_TRUE(has(test::fetch(server->address(), "POST", kFirst + "/release"), R"("status":"published")"));
  const auto discarded = test::fetch(server->address(), "DELETE", kFirst);
  EXPECT_EQ(discarded.status, 204);
  EXPECT_EQ(ingest.discarded, upload_id(1));
}

TEST_F(Api, ADiscardedUploadIsGoneAndStillListed) {
  auto record = version(1);
  record.state = ingest::UploadState::discarded;
  record.version.reset();
  ingest.records.push_back(record);
  const auto response = get(kFirst);
  EXPECT_EQ(response.status, 404);
  EXPECT_TRUE(has(response, R"("state":"discarded")"));
  EXPECT_TRUE(
      has(get("/api/v1/uploads?state=discarded"), R"("upload_id":"0195f3a0-7c00-7000-8000-000000000001")"));
}

TEST_F(Api, ARefusedReleaseSaysWhatHasChangedSince) {
  add(version(1));
  add(version(2));
  add(version(3));
  auto held = version(4);
  held.state = ingest::UploadState::held;
  held.version.reset();
  held.based_on = Version(1);
  ingest.records.push_back(held);
  ingest.release_outcome = []() -> Result<ingest::UploadReport> {
    return Error{ErrorCode::conflict, "table-moved-on", "there is a newer version", "upload it again"};
  };
  const auto response =
      test::fetch(server->address(), "POST", "/api/v1/uploads/0195f3a0-7c00-7000-8000-000000000004/release");
  EXPECT_EQ(response.status, 409);
  EXPECT_TRUE(has(response,
                  R"("changed_since":[{"version":2,"upload_id":"0195f3a0-7c00-7000-8000-000000000002",)"
                  R"("timestamp":"2025-02-01T00:00:00.000Z","file_id":"acme_a1b2c3d4","original_name":"",)"
                  R"("inserted":1,"updated":0,"deleted":0},{"version":3,)"));
  EXPECT_FALSE(has(response, R"("version":1,)"));
}

TEST_F(Api, AReleaseTakesItsKeyAndPreference) {
  add(version(1));
  ingest.release_outcome = []() -> Result<ingest::UploadReport> {
    ingest::UploadReport report{ingest::UploadStatus::accepted, version(1), {}};
    report.replayed = true;
    return report;
  };
  const auto response = test::fetch(server->address(), "POST", kFirst + "/release",
                                    "Idempotency-Key: \"k\"\r\nPrefer: respond-async\r\n");
  EXPECT_EQ(response.status, 202);
  EXPECT_EQ(response.header("location"), kFirst);
  EXPECT_EQ(response.header("preference-applied"), "respond-async");
  EXPECT_EQ(response.header("idempotency-replayed"), "true");
  EXPECT_EQ(ingest.asked.caller.idempotency_key, "k");
  EXPECT_EQ(test::fetch(server->address(), "POST", kFirst + "/release", "Idempotency-Key:\r\n").status, 400);
}

TEST_F(Api, AnUploadSaysWhenEachStepWasDone) {
  auto record = version(1);
  record.times.received_at = at("2025-01-01T00:00:00.003Z");
  record.times.steps = {at("2025-01-01T00:00:00.001Z"), at("2025-01-01T00:00:00.002Z")};
  record.times.published_at = at("2025-01-01T00:00:00.005Z");
  add(record);
  history.statuses[record.upload_id].applied_at = at("2025-01-01T00:00:00.006Z");
  EXPECT_TRUE(
      has(get(kFirst),
          R"("times":{"received":"2025-01-01T00:00:00.001Z","diffed":"2025-01-01T00:00:00.002Z","held":null,)"
          R"("accepted":"2025-01-01T00:00:00.000Z","published":"2025-01-01T00:00:00.005Z",)"
          R"("applied":"2025-01-01T00:00:00.006Z","in_lake":null},"expires_at":null)"));
  auto held = version(2);
  held.state = ingest::UploadState::held;
  held.version.reset();
  held.times.timestamp.reset();
  held.outcome.hold_reasons = {"This is a dry run."};
  held.times.received_at = at("2025-02-01T00:00:00.003Z");
  ingest.records.push_back(held);
  ingest.expiry = at("2025-02-02T00:00:00.003Z");
  const auto response = get("/api/v1/uploads/0195f3a0-7c00-7000-8000-000000000002");
  EXPECT_TRUE(has(response, R"("held":"2025-02-01T00:00:00.003Z","accepted":null)"));
  EXPECT_TRUE(has(response, R"("expires_at":"2025-02-02T00:00:00.003Z")"));
}

}  // namespace
}  // namespace deltadrop::api
