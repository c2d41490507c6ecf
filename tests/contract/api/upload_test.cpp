#include "api_fixture.hpp"

namespace deltadrop::api {
namespace {

std::string form(const std::vector<std::pair<std::string, std::string>>& before, std::string_view file,
                 const std::vector<std::pair<std::string, std::string>>& after = {}) {
  std::string body;
  const auto field = [&body](const auto& pair) {
    body += fmt::format("--B\r\nContent-Disposition: form-data; name=\"{}\"\r\n\r\n{}\r\n", pair.first,
                        pair.second);
  };
  for (const auto& pair : before) field(pair);
  body += fmt::format(
      "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"acme.csv\"\r\n\r\n{}\r\n", file);
  for (const auto& pair : after) field(pair);
  return body + "--B--\r\n";
}

constexpr std::string_view kForm = "Content-Type: multipart/form-data; boundary=B\r\n";

class Upload : public Api {
 protected:
  test::RawResponse post(const std::string& body, const std::string& target = "/upload") {
    return test::fetch(server->address(), "POST", target, kForm, body);
  }

  void answer_with(ingest::UploadStatus status) {
    ingest.outcome = [this, status]() -> Result<ingest::SubmitOutcome> {
      return ingest::SubmitOutcome(ingest::UploadReport{status, record, {R"({"seq":1})"}});
    };
  }

  ingest::UploadRecord record = version(2, 3);
};

TEST_F(Upload, EffectiveAtOfADateIsTheStartOfThatDay) {
  answer_with(ingest::UploadStatus::published);
  post(form({{"effective_at", "2025-03-31"}}, "id\n1\n"));
  EXPECT_EQ(ingest.asked.fields.at("effective_at"), "2025-03-31T00:00:00.000Z");
  listen_in("Europe/Zurich");
  post(form({{"effective_at", "2025-03-31"}}, "id\n1\n"));
  EXPECT_EQ(ingest.asked.fields.at("effective_at"), "2025-03-30T22:00:00.000Z");
  test::fetch(server->address(), "PUT", "/api/v1/tables/acme/financials?effective_at=2025-03-30",
              "Content-Type: text/csv\r\n", "id\n1\n");
  EXPECT_EQ(ingest.asked.fields.at("effective_at"), "2025-03-29T23:00:00.000Z");
  const auto refused = post(form({{"effective_at", "2025-03-31T12:00:00"}}, "id\n1\n"));
  EXPECT_EQ(refused.status, 422);
  EXPECT_TRUE(has(refused, "bad-effective-at"));
  EXPECT_TRUE(has(refused, "has no time zone"));
}

TEST_F(Upload, AnswersWithTheBriefsFieldsFirst) {
  record.outcome.schema_changes = {{"margin", true, 0}, {"note", false, 4}};
  answer_with(ingest::UploadStatus::published);
  const auto response = post(form({{"key", "id"}}, "id,revenue\n1,2\n",
                                  {{"force", "1"}, {"ignore", ""}, {"types", ""}, {"delimiter", ""}}));
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(
      response.body,
      R"({"message":"File processed successfully","file_id":"acme_a1b2c3d4","company_id":"acme",)"
      R"("changes_detected":3,"upload_id":"0195f3a0-7c00-7000-8000-000000000002","table_name":"financials",)"
      R"("source_sha256":null,"version":2,"status":"published","rows":3,"inserted":3,"updated":0,"deleted":0,)"
      R"("schema_changes":[{"column":"margin","change":"added"},{"column":"note","change":"removed"}],)"
      R"("dialect":{"delimiter":null,"encoding":null,"skip_lines":0,"delimiter_declared":false,)"
      R"("trailing_delimiter":false},"skipped":{"blank":0,"header":0,"lines":0,"footer":0},)"
      R"("timestamp":"2025-02-01T00:00:00.000Z","effective_at":"2025-02-01T00:00:00.000Z","warnings":[]})");
  EXPECT_EQ(ingest.received->bytes, "id,revenue\n1,2\n");
  EXPECT_EQ(ingest.asked.file_name, "acme.csv");
  EXPECT_EQ(ingest.asked.fields.at("key"), "id");
  EXPECT_EQ(ingest.asked.fields.at("ignore"), "");
  EXPECT_EQ(ingest.asked.fields.at("types"), "") << "clears them";
  EXPECT_FALSE(ingest.asked.fields.contains("delimiter")) << "a field that nobody filled in";
  EXPECT_EQ(ingest.asked.fields.at("force"), "true");
  EXPECT_FALSE(ingest.asked.fields.contains("dry_run"));
  EXPECT_FALSE(ingest.asked.fields.contains("company_id"));
}

TEST_F(Upload, AcceptedIs202WithItsLocation) {
  answer_with(ingest::UploadStatus::accepted);
  const auto response = post(form({}, "x"));
  EXPECT_EQ(response.status, 202);
  EXPECT_EQ(response.header("location"), "/api/v1/uploads/0195f3a0-7c00-7000-8000-000000000002");
  EXPECT_TRUE(has(response, R"("status":"accepted")"));
}

TEST_F(Upload, UnchangedHasNoChanges) {
  answer_with(ingest::UploadStatus::unchanged);
  const auto response = post(form({}, "x"));
  EXPECT_EQ(response.status, 200);
  EXPECT_TRUE(has(response, R"("changes_detected":0)"));
  EXPECT_TRUE(has(response, R"("version":2,"status":"unchanged","rows":3,"inserted":0)"));
}

TEST_F(Upload, HeldSaysWhyAndHowToGoOn) {
  record.version.reset();
  record.times.timestamp.reset();
  record.outcome.hold_reasons = {"dry run"};
  answer_with(ingest::UploadStatus::held);
  const auto response = post(form({}, "x"), "/upload?dry_run=true&company_id=other");
  EXPECT_EQ(response.status, 202);
  EXPECT_TRUE(has(response, R"("version":null,"status":"held")"));
  EXPECT_TRUE(has(response, R"("reasons":["dry run"],"samples":[{"seq":1}],"release":{"method":"POST",)"
                            R"("path":"/api/v1/uploads/0195f3a0-7c00-7000-8000-000000000002/release"},)"
                            R"("discard":{"method":"DELETE","path":"/api/v1/uploads/0195f3a0-)"));
  EXPECT_EQ(ingest.asked.fields.at("dry_run"), "true");
  EXPECT_EQ(ingest.asked.fields.at("company_id"), "other");
}

TEST_F(Upload, FindingsAre422) {
  ingest.outcome = []() -> Result<ingest::SubmitOutcome> {
    csv::Findings findings{{{"repeated-key", Line(90), "id", "F-7", "duplicate key", "keep one"}}, 1};
    return ingest::SubmitOutcome(findings);
  };
  const auto response = post(form({}, "x"));
  EXPECT_EQ(response.status, 422);
  EXPECT_EQ(response.header("content-type"), "application/problem+json");
  EXPECT_TRUE(has(response, R"("findings":[{"type":"repeated-key","line":90,"column":"id","value":"F-7",)"));
  EXPECT_TRUE(has(response, R"("findings_total":1,"instance":")"));
}

TEST_F(Upload, RefusesWhatItDoesNotUnderstand) {
  answer_with(ingest::UploadStatus::published);
  const auto unknown = post(form({{"tabel_name", "x"}}, "x"));
  EXPECT_EQ(unknown.status, 422);
  EXPECT_TRUE(has(unknown, R"(there is no field \"tabel_name\")"));
  EXPECT_TRUE(has(
      unknown,
      "company_id, table_name, key, ignore, delimiter, encoding, empty, skip_lines, skip_footer, footer, "
      "header, columns, unnamed, short_rows, key_trim, key_case, key_unicode, sheet, types, effective_at, "
      "dry_run, force, rekey"));
  const auto boolean = post(form({}, "x", {{"force", "yes"}}));
  EXPECT_EQ(boolean.status, 422);
  EXPECT_TRUE(has(boolean, R"(force cannot be \"yes\")"));
  EXPECT_EQ(post(form({{"key", "a"}, {"key", "b"}}, "x")).status, 422);
  EXPECT_EQ(post(form({{"key", std::string("a\0b", 3)}}, "x")).status, 422);
  const auto no_file = post("--B\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\nid\r\n--B--\r\n");
  EXPECT_EQ(no_file.status, 400);
  EXPECT_TRUE(has(no_file, "curl -F file=@so-financials.csv http://127.0.0.1:8000/upload"));
  const auto raw = test::fetch(server->address(), "POST", "/upload", "Content-Type: text/csv\r\n", "id\n1\n");
  EXPECT_EQ(raw.status, 415);
  EXPECT_TRUE(has(raw, "curl -F file=@so-financials.csv"));
  EXPECT_EQ(ingest.received->open, 0) << "receptions were left behind";
}

TEST_F(Upload, DiskFullIs507) {
  ingest.received->refuse_write = Error{ErrorCode::unavailable, "disk-full", "no room in spool", "make room"};
  EXPECT_EQ(post(form({}, std::string(100'000, 'x'))).status, 507);
  EXPECT_EQ(ingest.received->open, 0);
}

TEST_F(Upload, PutTakesTheFileItself) {
  answer_with(ingest::UploadStatus::published);
  const auto response = test::fetch(server->address(), "PUT",
                                    "/api/v1/tables/acme/financials?key=id&rekey=true", "", "id\n1\n");
  EXPECT_EQ(response.status, 200) << response.body;
  EXPECT_EQ(ingest.received->bytes, "id\n1\n");
  EXPECT_EQ(ingest.asked.fields.at("company_id"), "acme");
  EXPECT_EQ(ingest.asked.fields.at("table_name"), "financials");
  EXPECT_EQ(ingest.asked.fields.at("rekey"), "true");
  EXPECT_EQ(test::fetch(server->address(), "PUT", "/api/v1/tables/..%2F..%2Fetc/x", "", "id\n").status, 422);
  EXPECT_EQ(test::fetch(server->address(), "PUT", "/api/v1/tables/a/b", kForm, form({}, "x")).status, 415);
}

/// If a key is limited to some companies, the request names the company in the path or query, before the
/// body. No other part of the request may name another company.
TEST_F(Upload, NamesItsCompanyOnce) {
  answer_with(ingest::UploadStatus::published);
  EXPECT_EQ(post(form({{"company_id", "other"}}, "x"), "/upload?company_id=acme").status, 422);
  EXPECT_EQ(post(form({}, "x", {{"company_id", "other"}}), "/upload?company_id=acme").status, 422);
  EXPECT_EQ(post(form({}, "x"), "/upload?company_id=acme&company_id=other").status, 422);
  for (const std::string query : {"company_id=other", "table_name=other", "company_id=acme"}) {
    const auto target = "/api/v1/tables/acme/financials?" + query;
    EXPECT_EQ(test::fetch(server->address(), "PUT", target, "", "id\n1\n").status, 422) << query;
  }
  EXPECT_FALSE(ingest.asked.fields.contains("company_id")) << "nothing was submitted";
}

/// A partial file would delete the missing rows.
TEST_F(Upload, PutRefusesAPartOfAFile) {
  answer_with(ingest::UploadStatus::published);
  const auto refused = test::fetch(server->address(), "PUT", "/api/v1/tables/acme/financials",
                                   "Content-Range: bytes 0-4/9\r\n", "id\n1\n");
  EXPECT_EQ(refused.status, 400);
  EXPECT_TRUE(has(refused, "Content-Range"));
  EXPECT_FALSE(ingest.asked.fields.contains("company_id")) << "nothing was submitted";
}

TEST_F(Upload, PutPassesItsPreconditionsOn) {
  answer_with(ingest::UploadStatus::published);
  const std::string hash(64, 'a');
  const auto response = test::fetch(server->address(), "PUT", "/api/v1/tables/acme/financials",
                                    "If-Match: \"" + hash + "\"\r\nIf-None-Match: *\r\n", "id\n1\n");
  EXPECT_EQ(response.status, 200) << "the engine decides";
  ASSERT_TRUE(ingest.asked.precondition.newest_is.has_value());
  ASSERT_EQ(ingest.asked.precondition.newest_is->sha256s.size(), 1U);
  EXPECT_EQ(ingest.asked.precondition.newest_is->sha256s[0].to_hex(), hash);
  ASSERT_TRUE(ingest.asked.precondition.newest_is_not.has_value());
  EXPECT_TRUE(ingest.asked.precondition.newest_is_not->any);
}

/// The file's first bytes identify gzip and zstd, whatever the header says.
TEST_F(Upload, PutTakesTheContentCodingsItUnderstandsAndNoOther) {
  answer_with(ingest::UploadStatus::published);
  const auto put = [this](const std::string& headers) {
    return test::fetch(server->address(), "PUT", "/api/v1/tables/acme/financials", headers, "id\n1\n");
  };
  for (const std::string coding : {"gzip", "X-Gzip", "zstd", "identity", ""}) {
    EXPECT_EQ(put("Content-Encoding: " + coding + "\r\n").status, 200) << coding;
  }
  for (const std::string headers :
       {"Content-Encoding: br\r\n", "Content-Encoding: deflate\r\n", "Content-Encoding: gzip, zstd\r\n",
        "Content-Encoding: gzip\r\nContent-Encoding: gzip\r\n", "Content-Encoding: gzi\r\n"}) {
    const auto refused = put(headers);
    EXPECT_EQ(refused.status, 415) << headers;
    EXPECT_EQ(refused.header("accept-encoding"), "gzip, zstd");
    EXPECT_TRUE(has(refused, R"("type":"/problems/unknown-encoding")"));
    EXPECT_TRUE(has(refused, "gzip, zstd"));
  }
  EXPECT_EQ(ingest.received->open, 0);
}

TEST_F(Upload, AFormIsNotCompressedItself) {
  answer_with(ingest::UploadStatus::published);
  const auto refused = test::fetch(server->address(), "POST", "/upload",
                                   std::string(kForm) + "Content-Encoding: gzip\r\n", form({}, "id\n1\n"));
  EXPECT_EQ(refused.status, 415);
  EXPECT_EQ(refused.header("accept-encoding"), "identity");
  EXPECT_TRUE(has(refused, R"("type":"/problems/encoded-form")"));
  EXPECT_EQ(test::fetch(server->address(), "POST", "/upload",
                        std::string(kForm) + "Content-Encoding: identity\r\n", form({}, "id\n1\n"))
                .status,
            200);
}

TEST_F(Upload, TakesItsIdempotencyKeyAndPreference) {
  answer_with(ingest::UploadStatus::accepted);
  const std::string headers = "Idempotency-Key: k-1\r\nPrefer: respond-async, wait=3\r\n";
  for (const bool as_form : {true, false}) {
    ingest.asked = {};
    const auto response =
        as_form ? test::fetch(server->address(), "POST", "/upload", std::string(kForm) + headers,
                              form({}, "id\n1\n"))
                : test::fetch(server->address(), "PUT", "/api/v1/tables/acme/financials", headers, "id\n1\n");
    EXPECT_EQ(response.status, 202);
    EXPECT_EQ(response.header("preference-applied"), "respond-async");
    EXPECT_EQ(response.header("location"), "/api/v1/uploads/0195f3a0-7c00-7000-8000-000000000002");
    EXPECT_EQ(ingest.asked.caller.idempotency_key, "k-1");
    EXPECT_EQ(ingest.asked.caller.publish_wait, std::chrono::milliseconds(3000));
  }
  EXPECT_EQ(post(form({}, "id\n1\n")).header("preference-applied"), "");
  const auto bad = test::fetch(server->address(), "PUT", "/api/v1/tables/acme/financials",
                               "Idempotency-Key: \"a\"b\"\r\n", "id\n1\n");
  EXPECT_EQ(bad.status, 400);
  EXPECT_TRUE(has(bad, "/problems/bad-idempotency-key"));
  ingest.outcome = []() -> Result<ingest::SubmitOutcome> {
    return Error{ErrorCode::invalid_input, "idempotency-key-reused", "used", "make a new one"};
  };
  EXPECT_EQ(post(form({}, "id\n1\n")).status, 422);
}

/// The response does not depend on how the network splits the body.
TEST_F(Upload, IsTheSameHoweverItIsCut) {
  answer_with(ingest::UploadStatus::published);
  const std::string file = "id,text\r\n1,\"--B\"\r\n--\r\n-B--\r\n--A\r\n2,--C\r\n";
  const std::string body = form({{"key", "id"}}, file, {{"force", "true"}});
  const auto request =
      fmt::format("POST /upload HTTP/1.1\r\nHost: x\r\n{}Content-Length: {}\r\n\r\n", kForm, body.size());
  const std::string whole = post(body).body;
  test::RawClient client(server->address());
  for (std::size_t cut = 0; cut <= body.size(); ++cut) {
    ingest.asked = {};
    ASSERT_TRUE(client.send(request + body.substr(0, cut)));
    ASSERT_TRUE(client.send(body.substr(cut)));
    const auto response = client.read_response();
    ASSERT_EQ(response.status, 200) << cut;
    ASSERT_EQ(response.body, whole) << cut;
    ASSERT_EQ(ingest.received->bytes, file) << cut;
    ASSERT_EQ(ingest.asked.fields.at("key"), "id") << cut;
    ASSERT_EQ(ingest.asked.fields.at("force"), "true") << cut;
  }
  for (std::size_t piece = 1; piece < 40; ++piece) {
    std::string chunks;
    for (std::size_t i = 0; i < body.size(); i += piece) {
      const auto part = std::string_view(body).substr(i, piece);
      chunks += fmt::format("{:x}\r\n{}\r\n", part.size(), part);
    }
    ASSERT_TRUE(client.send(
        fmt::format("POST /upload HTTP/1.1\r\nHost: x\r\n{}Transfer-Encoding: chunked\r\n\r\n{}0\r\n\r\n",
                    kForm, chunks)));
    ASSERT_EQ(client.read_response().body, whole) << piece;
    ASSERT_EQ(ingest.received->bytes, file) << piece;
  }
}

}  // namespace
}  // namespace deltadrop::api
