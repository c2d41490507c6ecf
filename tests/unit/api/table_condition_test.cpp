#include "api/table_condition.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace deltadrop::api {
namespace {

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
