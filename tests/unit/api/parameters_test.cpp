#include "api/parameters.hpp"

#include <gtest/gtest.h>

namespace deltadrop::api {
namespace {

TEST(ParseBoolean, AcceptsAnyCaseOfLetters) {
  for (const auto* text : {"true", "True", "TRUE", "1"}) {
    const auto parsed = parse_boolean("dry_run", text);
    ASSERT_TRUE(parsed.has_value()) << text;
    EXPECT_TRUE(parsed.value()) << text;
  }
  for (const auto* text : {"false", "False", "FALSE", "0"}) {
    const auto parsed = parse_boolean("dry_run", text);
    ASSERT_TRUE(parsed.has_value()) << text;
    EXPECT_FALSE(parsed.value()) << text;
  }
}

TEST(ParseBoolean, RefusesOtherWords) {
  for (const auto* text : {"", "yes", "no", "2", "01", "-0", "true ", "null"}) {
    const auto parsed = parse_boolean("dry_run", text);
    ASSERT_TRUE(parsed.has_error()) << text;
    EXPECT_EQ(parsed.error().type, "bad-parameter") << text;
  }
}

TEST(ParseDuration, ReadsEachUnit) {
  using std::chrono::milliseconds;
  const std::vector<std::pair<std::string, milliseconds>> cases = {{"0", milliseconds(0)},
                                                                   {"10", milliseconds(10'000)},
                                                                   {"10s", milliseconds(10'000)},
                                                                   {"500ms", milliseconds(500)},
                                                                   {"2m", milliseconds(120'000)},
                                                                   {"0007s", milliseconds(7'000)},
                                                                   {"1000000ms", milliseconds(1'000'000)}};
  for (const auto& [text, expected] : cases) {
    const auto parsed = parse_duration("timeout", text);
    ASSERT_TRUE(parsed.has_value()) << text;
    EXPECT_EQ(parsed.value(), expected) << text;
  }
}

TEST(ParseDuration, RefusesWhatTheDescriptionDoesNotAllow) {
  for (const auto* text :
       {"", "s", "-1", "-0", "-0s", "+1", "1.5s", "10h", "10 s", "1000001", "9999999999999999999", "ten"}) {
    const auto parsed = parse_duration("timeout", text);
    ASSERT_TRUE(parsed.has_error()) << text;
    EXPECT_EQ(parsed.error().type, "bad-parameter") << text;
  }
}

}  // namespace
}  // namespace deltadrop::api
