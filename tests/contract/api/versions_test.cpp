#include "api_fixture.hpp"
#include "io/file.hpp"

namespace deltadrop::api {
namespace {

const std::string kTable = "/api/v1/tables/acme/financials";
const std::string kFile = kTable + "/versions/1/file";

TEST_F(Api, ListsVersionsByPages) {
  for (int i = 1; i <= 3; ++i) add(version(i));
  const auto first = get(kTable + "/versions?limit=2");
  EXPECT_TRUE(has(first, R"("version":2)"));
  EXPECT_FALSE(has(first, R"("version":3)"));
  const auto second = get(kTable + "/versions?limit=2&cursor=" + next_cursor(first));
  EXPECT_TRUE(has(second, R"("version":3)"));
  EXPECT_TRUE(has(second, R"("next_cursor":null)"));
  EXPECT_EQ(get("/api/v1/tables/nobody/financials/versions").status, 404);
}

// ---- the archived file

class ArchivedFile : public Api {
 protected:
  ArchivedFile() {
    ingest.archived = bytes;
    add(version(1));
  }

  test::RawResponse ask(const std::string& headers, const std::string& method = "GET") {
    return test::fetch(server->address(), method, kFile, headers);
  }

  const std::string bytes = "id,text\n1," + std::string(300'000, 'x') + "\n2,end\n";
  const std::string tag = "\"" + std::string(64, '0') + "\"";
};

TEST_F(ArchivedFile, ComesWholeWithItsLength) {
  const auto response = get(kFile);
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, bytes);
  EXPECT_EQ(response.header("content-length"), std::to_string(bytes.size()));
  EXPECT_EQ(response.header("content-type"), "text/csv");
  EXPECT_EQ(response.header("content-disposition"), "attachment; filename=\"acme_financials_v1.csv\"");
  EXPECT_EQ(response.header("etag"), tag);
  EXPECT_EQ(response.header("accept-ranges"), "bytes");
  EXPECT_EQ(get(kTable + "/versions/2/file").status, 404);
  EXPECT_EQ(get(kTable + "/versions/x/file").status, 422);
}

TEST_F(ArchivedFile, HeadHasTheSameHeadAndNoBody) {
  test::RawClient client(server->address());
  client.send("HEAD " + kFile +
              " HTTP/1.1\r\nHost: x\r\nRange: bytes=0-1\r\n\r\nGET /health/live HTTP/1.1\r\nHost: x\r\n\r\n");
  const auto response = client.read_response(true);
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.header("content-length"), std::to_string(bytes.size()));
  EXPECT_EQ(response.header("etag"), tag);
  EXPECT_EQ(client.read_response().status, 200) << "the connection goes on";
}

TEST_F(ArchivedFile, ComesInParts) {
  const auto size = std::to_string(bytes.size());
  const auto part = ask("Range: bytes=3-200003\r\n");
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(part.body, bytes.substr(3, 200'001));
  EXPECT_EQ(part.header("content-range"), "bytes 3-200003/" + size);
  EXPECT_EQ(part.header("content-length"), "200001");
  EXPECT_EQ(part.header("etag"), tag);
  EXPECT_EQ(ask("Range: bytes=-6\r\n").body, "2,end\n");
  EXPECT_EQ(ask("Range: bytes=0-0\r\nIf-Range: " + tag + "\r\n").body, "i");
  const auto other = ask("Range: bytes=0-0\r\nIf-Range: \"other\"\r\n");
  EXPECT_EQ(other.status, 200);
  EXPECT_EQ(other.body, bytes);
  EXPECT_EQ(ask("Range: bytes=0-1,4-5\r\n").body, bytes) << "several ranges get the whole";
  const auto behind = ask("Range: bytes=" + size + "-\r\n");
  EXPECT_EQ(behind.status, 416);
  EXPECT_EQ(behind.header("content-range"), "bytes */" + size);
  EXPECT_TRUE(has(behind, "/problems/no-such-range"));
}

TEST_F(ArchivedFile, IsNotSentToWhoHasIt) {
  for (const std::string& known : {tag, "W/" + tag, std::string("*"), "\"other\", " + tag}) {
    const auto response = ask("If-None-Match: " + known + "\r\nRange: bytes=0-1\r\n");
    EXPECT_EQ(response.status, 304) << known;
    EXPECT_EQ(response.header("etag"), tag);
    EXPECT_EQ(response.body, "");
  }
  EXPECT_EQ(ask("If-None-Match: \"other\"\r\n").status, 200);
}

TEST_F(ArchivedFile, IsSentOnlyIfItIsTheOneThatIsMeant) {
  EXPECT_EQ(ask("If-Match: " + tag + "\r\n").status, 200);
  for (const std::string& meant : {std::string("\"other\""), "W/" + tag}) {
    const auto refused = ask("If-Match: " + meant + "\r\n");
    EXPECT_EQ(refused.status, 412) << meant;
    EXPECT_TRUE(has(refused, "/problems/precondition-failed"));
  }
}

// ---- differences between two versions

class Diff : public Api {
 protected:
  Diff() {
    ingest.version_diff = {version(1), version(3), {4, 4, 1, 1, 1}, {{"rank", true, 0}}, false};
    ingest.compared_changes = {
        {ChangeType::remove, "id", "7", R"({"id":"7"})", "", nullptr, Seq(1), Line(3)},
        {ChangeType::update, "id", "8", R"({"id":"8","rank":null})", R"({"id":"8","rank":"1"})", &changed_,
         Seq(2), Line(4)},
        {ChangeType::insert, "id", "9", "", R"({"id":"9"})", nullptr, Seq(3), Line(5)}};
  }

 private:
  const std::vector<std::string_view> changed_ = {"rank"};
};

TEST_F(Diff, ShowsCountsAndChangesByPages) {
  const auto first = get(kTable + "/versions/1..3/diff?limit=2");
  EXPECT_EQ(first.status, 200);
  EXPECT_EQ(ingest.compared, std::pair(Version(1), Version(3)));
  EXPECT_TRUE(has(
      first,
      R"({"company_id":"acme","table_name":"financials","from_version":1,"to_version":3,)"
      R"("from_upload_id":"0195f3a0-7c00-7000-8000-000000000001","to_upload_id":"0195f3a0-7c00-7000-8000-000000000003",)"
      R"("rows_before":4,"rows":4,"inserted":1,"updated":1,"deleted":1,"changes_detected":3,)"
      R"("schema_changes":[{"column":"rank","change":"added"}],"key_changed":false,"changes":[)"
      R"({"seq":1,"event_type":"delete","key_column":"id","key_value":"7","old_values":{"id":"7"},"new_values":null,)"
      R"("changed_columns":[],"line":3},{"seq":2,"event_type":"update","key_column":"id","key_value":"8",)"
      R"("old_values":{"id":"8","rank":null},"new_values":{"id":"8","rank":"1"},"changed_columns":["rank"],"line":4}])"));
  const auto second = get(kTable + "/versions/1..3/diff?limit=2&cursor=" + next_cursor(first));
  EXPECT_TRUE(has(second, R"("changes":[{"seq":3,"event_type":"insert")"));
  EXPECT_TRUE(has(second, R"("next_cursor":null)"));
  ingest.version_diff.from.reset();
  EXPECT_TRUE(has(get(kTable + "/versions/0..3/diff"), R"("from_upload_id":null)"));
}

TEST_F(Diff, RefusesWhatAreNoTwoVersions) {
  for (const std::string range :
       {"1", "1..", "..2", "1...2", "a..b", "-1..2", "1..2..3", "1..99999999999999999999"}) {
    const auto response = get(kTable + "/versions/" + range + "/diff");
    EXPECT_EQ(response.status, 422) << range;
    EXPECT_TRUE(has(response, "bad-parameter")) << range;
  }
}

// ---- reverts

TEST_F(Api, RevertsToAVersion) {
  auto made = version(3);
  made.reverts_to = Version(1);
  ingest.outcome = [made]() -> Result<ingest::SubmitOutcome> {
    return ingest::SubmitOutcome(ingest::UploadReport{ingest::UploadStatus::published, made, {}});
  };
  const auto post = [this](const std::string& query, const std::string& headers = "") {
    return test::fetch(server->address(), "POST", kTable + "/revert" + query, headers);
  };
  const auto response = post("?to_version=1&force=true", "Idempotency-Key: k\r\nPrefer: respond-async\r\n");
  EXPECT_EQ(response.status, 200);
  EXPECT_TRUE(has(response, R"("version":3,"status":"published")"));
  EXPECT_TRUE(has(response, R"("reverts_to":1)"));
  EXPECT_EQ(ingest.reverted.table, (TableRef{"acme", "financials"}));
  EXPECT_EQ(ingest.reverted.to, Version(1));
  EXPECT_TRUE(ingest.reverted.force);
  EXPECT_FALSE(ingest.reverted.dry_run);
  EXPECT_EQ(ingest.reverted.caller.idempotency_key, "k");
  EXPECT_EQ(ingest.reverted.caller.publish_wait, std::chrono::milliseconds(0));
  EXPECT_FALSE(ingest.reverted.precondition.newest_is);
  post("?to_version=1", "If-Match: *\r\n");
  ASSERT_TRUE(ingest.reverted.precondition.newest_is);
  EXPECT_TRUE(ingest.reverted.precondition.newest_is->any);
  for (const std::string query : {"", "?to_version=", "?to_version=0", "?to_version=x",
                                  "?to_version=1&force=maybe", "?to_version=1&key=id"}) {
    EXPECT_EQ(post(query).status, 422) << query;
  }
  EXPECT_EQ(get(kTable + "/revert?to_version=1").status, 405);
}

}  // namespace
}  // namespace deltadrop::api
