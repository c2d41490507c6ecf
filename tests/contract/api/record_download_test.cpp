#include "api_fixture.hpp"

namespace deltadrop::api {
namespace {

class RecordDownloads : public Api {
 protected:
  RecordDownloads() {
    for (int i = 1; i <= 2; ++i) {
      auto record = version(i);
      record.reading.columns = {"revenue", "id", "note"};
      record.reading.tracked = record.reading.columns;
      add(record);
    }
    store("a", 1, 2, R"({"id":"a","revenue":"1"})");
    store("b", 1, std::nullopt, R"({"note":"say \"hi\", or\r\nnot","id":"b","revenue":"007"})");
    store("c", 2, std::nullopt, R"({"id":"c","revenue":null,"note":""})");
  }

  void store(const std::string& key, int from, std::optional<int> to, const std::string& data) {
    const auto first_of = [](int month) { return at(fmt::format("2025-{:02}-01T00:00:00Z", month)); };
    history.stored.push_back({key, data, first_of(from), to ? std::optional(first_of(*to)) : std::nullopt,
                              Version(from), upload_id(from)});
  }

  test::RawResponse accept(const std::string& type, const std::string& query = "",
                           const std::string& more_headers = "") {
    return test::fetch(server->address(), "GET", kRecords + query, "Accept: " + type + "\r\n" + more_headers);
  }
};

TEST_F(RecordDownloads, OfCsvAreTheVersionsFileByKey) {
  const auto csv = accept("text/csv");
  EXPECT_EQ(csv.status, 200);
  EXPECT_TRUE(csv.whole);
  EXPECT_EQ(csv.header("content-type"), "text/csv; charset=utf-8");
  EXPECT_EQ(csv.body,
            "revenue,id,note\r\n"
            "007,b,\"say \"\"hi\"\", or\r\nnot\"\r\n"
            ",c,\"\"\r\n");
  EXPECT_EQ(csv.header("vary"), "Accept");
  EXPECT_EQ(csv.header("deltadrop-version"), "2");
  EXPECT_EQ(csv.header("deltadrop-complete"), "true");
  EXPECT_EQ(csv.header("deltadrop-as-of"), "2025-06-01T12:00:00.000Z");
  EXPECT_EQ(csv.header("content-disposition"), "attachment; filename=\"acme_financials_v2.csv\"");
  EXPECT_EQ(accept("text/csv", "?version=1").body,
            "revenue,id,note\r\n1,a,\r\n007,b,\"say \"\"hi\"\", or\r\nnot\"\r\n");
}

TEST_F(RecordDownloads, OfJsonLinesAreTheListsRecords) {
  const auto lines = accept("application/x-ndjson", "?as_of=2025-01-15&columns=id");
  EXPECT_EQ(lines.header("content-type"), "application/x-ndjson");
  EXPECT_EQ(lines.header("deltadrop-as-of"), "2025-01-15T23:59:59.999Z");
  EXPECT_EQ(
      lines.body,
      R"({"key":"a","values":{"id":"a"},"valid_from":"2025-01-01T00:00:00.000Z",)"
      R"("valid_to":"2025-02-01T00:00:00.000Z","version":1,"upload_id":"0195f3a0-7c00-7000-8000-000000000001"})"
      "\n"
      R"({"key":"b","values":{"id":"b"},"valid_from":"2025-01-01T00:00:00.000Z",)"
      R"("valid_to":null,"version":1,"upload_id":"0195f3a0-7c00-7000-8000-000000000001"})"
      "\n");
}

TEST_F(RecordDownloads, HaveTheColumnsThatAreAskedFor) {
  EXPECT_EQ(accept("text/csv", "?columns=note,id").body,
            "note,id\r\n\"say \"\"hi\"\", or\r\nnot\",b\r\n\"\",c\r\n");
  EXPECT_EQ(accept("text/csv", "?columns=revenue").body, "revenue\r\n007\r\n\"\"\r\n");
  EXPECT_TRUE(has(get(kRecords + "?columns=revenue"), R"("values":{"revenue":"007"})"));
  EXPECT_TRUE(has(get(kRecords + "?columns=note,id&limit=1"),
                  R"("values":{"note":"say \"hi\", or\r\nnot","id":"b"})"));
  const auto unknown = get(kRecords + "?columns=id,%22a,b%22");
  EXPECT_EQ(unknown.status, 422);
  EXPECT_TRUE(has(unknown, "/problems/no-such-column"));
  EXPECT_TRUE(has(unknown, R"(no column \"a,b\")"));
  EXPECT_TRUE(has(unknown, "revenue,id,note"));
  for (const auto* bad : {"?columns=", "?columns=id,id", "?columns=%22id", "?columns=ID"}) {
    EXPECT_EQ(get(kRecords + bad).status, 422) << bad;
    EXPECT_EQ(accept("text/csv", bad).status, 422) << bad;
  }
}

TEST_F(RecordDownloads, TakeAnyLimitAndNoCursor) {
  for (int i = 0; i < 9000; ++i) store(fmt::format("d{:05}", i), 1, std::nullopt, R"({"revenue":"1"})");
  const auto lines = [](const test::RawResponse& response) {
    return std::count(response.body.begin(), response.body.end(), '\n');
  };
  EXPECT_EQ(lines(accept("text/csv", "?columns=revenue")), 9003);
  EXPECT_EQ(lines(accept("text/csv", "?columns=revenue&limit=5000")), 5001);
  EXPECT_EQ(lines(accept("application/x-ndjson", "?limit=3")), 3);
  EXPECT_EQ(accept("text/csv", "?limit=0").status, 422);
  EXPECT_EQ(accept("application/vnd.apache.parquet", "?limit=1").status, 422);
  EXPECT_EQ(accept("text/csv", "?cursor=x").status, 422);
  EXPECT_EQ(accept("text/csv", "?limit=x").header("vary"), "Accept");
}

TEST_F(RecordDownloads, OfCsvNeedNotBeSentAgain) {
  const auto tag = accept("text/csv").header("etag");
  ASSERT_NE(tag, "");
  const auto again = accept("text/csv", "", "If-None-Match: " + tag + "\r\n");
  EXPECT_EQ(again.status, 304);
  EXPECT_EQ(again.header("etag"), tag);
  EXPECT_EQ(again.header("vary"), "Accept");
  for (const auto* other : {"?version=1", "?columns=id", "?limit=1"}) {
    EXPECT_EQ(accept("text/csv", other, "If-None-Match: " + tag + "\r\n").status, 200) << other;
  }
  EXPECT_EQ(accept("application/x-ndjson").header("etag"), "") << "its valid_to may change";
  EXPECT_EQ(accept("text/csv", "", "If-Match: " + tag + "\r\n").status, 200);
  EXPECT_EQ(accept("text/csv", "", "If-Match: \"other\"\r\n").status, 412);
}

TEST_F(RecordDownloads, AreNamedWhereNothingElseIsAccepted) {
  const auto refused = accept("image/png");
  EXPECT_EQ(refused.status, 406);
  EXPECT_EQ(refused.header("content-type"), "application/problem+json");
  EXPECT_TRUE(
      has(refused, "application/json, text/csv, application/x-ndjson, application/vnd.apache.parquet"));
  EXPECT_EQ(accept("*/*").header("content-type"), "application/json");
  EXPECT_EQ(accept("text/csv;q=0.1, application/json;q=0.2").header("content-type"), "application/json");
}

TEST_F(RecordDownloads, OfATimeBeforeTheFirstVersion) {
  EXPECT_EQ(accept("text/csv", "?as_of=2024-01-01").status, 404);
  const auto lines = accept("application/x-ndjson", "?as_of=2024-01-01");
  EXPECT_EQ(lines.status, 200);
  EXPECT_EQ(lines.body, "");
  EXPECT_EQ(
      test::fetch(server->address(), "GET", "/api/v1/tables/nobody/t/records", "Accept: text/csv\r\n").status,
      404);
}

TEST_F(RecordDownloads, ThatFailMidwayAreNotWhole) {
  for (int i = 0; i < 9000; ++i) store(fmt::format("d{:05}", i), 1, std::nullopt, R"({"revenue":"1"})");
  history.down_after_records = 2;
  const auto broken = accept("text/csv");
  EXPECT_EQ(broken.status, 200);
  EXPECT_GT(broken.body.size(), 0U);
  EXPECT_FALSE(broken.whole);
  // Without chunks, the end of the connection ends the body, so a failed download must not close the
  // connection cleanly.
  history.down_after_records = 2;
  test::RawClient old(server->address());
  old.send("GET " + kRecords + " HTTP/1.0\r\nAccept: text/csv\r\n\r\n");
  EXPECT_FALSE(old.ends_in_peace());
  history.down_after_records = 0;
  EXPECT_EQ(accept("text/csv").status, 503) << "before the first byte it is a problem";
}

}  // namespace
}  // namespace deltadrop::api
