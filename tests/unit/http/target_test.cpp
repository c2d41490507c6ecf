#include "http/target.hpp"

#include <gtest/gtest.h>

namespace deltadrop::http {
namespace {

using Segments = std::vector<std::string>;
using Query = std::vector<std::pair<std::string, std::string>>;

struct Case {
  std::string target;
  Segments segments;
  Query query;
};

TEST(ParseTarget, SplitsBeforeItDecodes) {
  const std::vector<Case> cases = {
      {"/", {}, {}},
      {"/health", {"health"}, {}},
      {"/health/", {"health", ""}, {}},
      {"/a//b", {"a", "", "b"}, {}},
      {"/records/a%2Fb/history", {"records", "a/b", "history"}, {}},
      {"/records/na%C3%AFve%20%25", {"records", "naïve %"}, {}},
      {"/a+b", {"a+b"}, {}},
      {"/a?x=1&y=a+b%2B&&z&x=2", {"a"}, {{"x", "1"}, {"y", "a b+"}, {"z", ""}, {"x", "2"}}},
      {"/a?key=b=c", {"a"}, {{"key", "b=c"}}},
      {"/..%2F..%2Fetc", {"../../etc"}, {}},
      {"http://host:8000/a/b?c=d", {"a", "b"}, {{"c", "d"}}},
      {"http://host", {}, {}},
  };
  for (const auto& one : cases) {
    const auto target = parse_target(one.target);
    ASSERT_TRUE(target.has_value()) << one.target << ": " << target.error().text();
    EXPECT_EQ(target.value().segments, one.segments) << one.target;
    EXPECT_EQ(target.value().query, one.query) << one.target;
  }
}

TEST(ParseTarget, ReturnsTheAuthorityOfAnAbsoluteForm) {
  const auto absolute = parse_target("HTTP://u@host:8000/a?b://c").value();
  EXPECT_EQ(absolute.scheme, "HTTP");
  EXPECT_EQ(absolute.authority, "u@host:8000");
  EXPECT_EQ(absolute.path, "/a");
  const auto origin = parse_target("/a://b").value();
  EXPECT_FALSE(origin.scheme.has_value());
  EXPECT_FALSE(origin.authority.has_value());
  EXPECT_EQ(parse_target("http:///a").value().authority, "");
}

TEST(ParseTarget, RejectsInvalidEncodings) {
  for (const std::string target :
       {"/a%00b", "/a%", "/a%2", "/a%zz", "/%ff", "/a?x=%00", "/a?%C3=1", "*", "health", "", "/a#b", "/#",
        "/a?x=1#y", "/a#", "http://host/a#b", "http://host#b"}) {
    const auto parsed = parse_target(target);
    ASSERT_TRUE(parsed.has_error()) << target;
    EXPECT_EQ(parsed.error().type, "bad-request") << target;
    EXPECT_FALSE(parsed.error().fix.empty()) << target;
  }
}

TEST(PercentEncode, RoundTrips) {
  const std::string key = "a/b c?%&#é.~";
  EXPECT_EQ(percent_encode(key), "a%2Fb%20c%3F%25%26%23%C3%A9.~");
  EXPECT_EQ(percent_decode(percent_encode(key), true, "key").value(), key);
}

}  // namespace
}  // namespace deltadrop::http
