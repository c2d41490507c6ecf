#include "api/caller.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace deltadrop::api {
namespace {

using Headers = std::vector<std::pair<std::string, std::string>>;

Result<ingest::Caller> caller_with(Headers headers) {
  http::Request request;
  request.headers = std::move(headers);
  return caller_of(request);
}

std::string key_of(const std::string& value) {
  const auto caller = caller_with({{"idempotency-key", value}});
  if (caller.has_error()) return caller.error().type;
  return caller.value().idempotency_key.value_or("none");
}

TEST(IdempotencyKey, IsAStringOrABareToken) {
  EXPECT_EQ(key_of("8e03978e-40d5"), "8e03978e-40d5");
  EXPECT_EQ(key_of("\"8e03978e-40d5\""), "8e03978e-40d5") << "the same key";
  EXPECT_EQ(key_of(" \"a b,c\" "), "a b,c");
  EXPECT_EQ(key_of(R"("a\"\\b")"), R"(a"\b)");
  EXPECT_EQ(key_of(std::string(255, 'k')), std::string(255, 'k'));
  for (const auto& value :
       {std::string(), std::string("\"\""), std::string("\""), std::string("a b"), std::string("a,b"),
        std::string("\"a"), std::string(R"("a\b")"), std::string(R"("a"b")"), std::string("\"a\\\""),
        std::string("\xC3\xA9"), std::string(256, 'k')}) {
    EXPECT_EQ(key_of(value), "bad-idempotency-key") << value;
  }
  EXPECT_FALSE(caller_with({}).value().idempotency_key);
  EXPECT_EQ(caller_with({{"idempotency-key", "a"}, {"idempotency-key", "a"}}).error().type,
            "bad-idempotency-key");
}

/// Another company's key must neither replay nor block it.
TEST(IdempotencyKey, BelongsToTheCompaniesOfTheApiKey) {
  const auto scope_of = [](std::optional<http::KeyIdentity> key) {
    http::Request request;
    request.key = std::move(key);
    return caller_of(request).value().key_scope;
  };
  EXPECT_EQ(scope_of({}), "");
  EXPECT_EQ(scope_of(http::KeyIdentity{"1", "ops", {}}), "");
  EXPECT_EQ(scope_of(http::KeyIdentity{"1", "a", {"acme", "so-*"}}), "acme,so-*");
  EXPECT_EQ(scope_of(http::KeyIdentity{"2", "b", {"so-*", "acme"}}), "acme,so-*")
      << "a renewed key of the same";
  EXPECT_NE(scope_of(http::KeyIdentity{"1", "a", {"acme"}}),
            scope_of(http::KeyIdentity{"1", "a", {"globex"}}));
}

TEST(Prefer, IsReadFromAllItsFields) {
  using std::chrono::milliseconds;
  const auto wait_of = [](Headers headers) {
    const auto wait = caller_with(std::move(headers)).value().publish_wait;
    return wait ? wait->count() : -1;
  };
  EXPECT_EQ(wait_of({}), -1);
  EXPECT_EQ(wait_of({{"prefer", "respond-async"}}), 0);
  EXPECT_EQ(wait_of({{"prefer", "Respond-Async"}}), 0);
  EXPECT_EQ(wait_of({{"prefer", "respond-async, wait=2"}}), 2000);
  EXPECT_EQ(wait_of({{"prefer", "handling=lenient; a=\"x, respond-async\", wait = \"3\""},
                     {"prefer", "respond-async;x"}}),
            3000);
  EXPECT_EQ(wait_of({{"prefer", "wait=5"}}), -1) << "alone it says nothing new";
  EXPECT_EQ(wait_of({{"prefer", "foo=\"respond-async\""}}), -1);
  EXPECT_EQ(wait_of({{"prefer", "foo=\"x, respond-async, y\""}}), -1);
  EXPECT_EQ(wait_of({{"prefer", "respond-async, wait=-1"}}), 0);
  EXPECT_EQ(wait_of({{"prefer", "respond-async, wait=99999999999999999999"}}), 0);
  EXPECT_EQ(wait_of({{"prefer", ",,;=\"\\"}}), -1);
}

TEST(Prefer, IsSaidToBeAppliedWhereItWas) {
  ingest::Caller caller;
  caller.publish_wait = std::chrono::milliseconds(0);
  ingest::UploadReport report;
  http::Response accepted;
  accepted.status = 202;
  note_caller(accepted, caller, report);
  EXPECT_EQ(accepted.headers, (Headers{{"Preference-Applied", "respond-async"}}));
  http::Response unchanged;
  report.replayed = true;
  note_caller(unchanged, caller, report);
  EXPECT_EQ(unchanged.headers, (Headers{{"Idempotency-Replayed", "true"}}));
}

http::Request with(const std::vector<std::pair<std::string, std::string>>& headers) {
  http::Request request;
  request.method = "PUT";
  request.headers = headers;
  return request;
}

TEST(TableCondition, NamesFilesByTheirSha256) {
  const std::string hex(64, 'a');
  const auto none = precondition_of(with({}));
  EXPECT_FALSE(none.newest_is.has_value());
  EXPECT_FALSE(none.newest_is_not.has_value());

  const auto one = precondition_of(with({{"if-match", "\"x\", \"" + hex + "\""}, {"if-none-match", "*"}}));
  ASSERT_TRUE(one.newest_is.has_value());
  EXPECT_FALSE(one.newest_is->any);
  ASSERT_EQ(one.newest_is->sha256s.size(), 1U) << "a tag that is not a SHA-256 names no file";
  EXPECT_EQ(one.newest_is->sha256s[0].to_hex(), hex);
  ASSERT_TRUE(one.newest_is_not.has_value());
  EXPECT_TRUE(one.newest_is_not->any);

  const auto weak =
      precondition_of(with({{"if-match", "W/\"" + hex + "\""}, {"if-none-match", "W/\"" + hex + "\""}}));
  EXPECT_TRUE(weak.newest_is->sha256s.empty()) << "If-Match compares strongly";
  EXPECT_EQ(weak.newest_is_not->sha256s.size(), 1U);
}

}  // namespace
}  // namespace deltadrop::api
