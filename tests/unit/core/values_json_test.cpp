#include "core/values_json.hpp"

#include <gtest/gtest.h>

namespace deltadrop {
namespace {

struct Pair {
  std::string left;
  std::string right;
  bool equal;
};

TEST(EqualValuesJson, ComparesTheValuesOfARow) {
  const std::vector<Pair> pairs = {
      {R"({"a":"1","b":"2"})", R"({"a":"1","b":"2"})", true},
      {R"({"a":"1","b":"2"})", R"({ "b" : "2", "a" : "1" })", true},
      {R"({"a":"1","b":null})", R"({"a":"1"})", true},
      {R"({})", R"({"a":null})", true},
      {R"({"a":"\u00e9\n"})", "{\"a\":\"\xC3\xA9\\u000a\"}", true},
      {R"({"\u0061":"1"})", R"({"a":"1"})", true},
      {R"({"a":"1"})", R"({"a":"2"})", false},
      {R"({"a":"1"})", R"({"A":"1"})", false},
      {R"({"a":"null"})", R"({"a":null})", false},
      {R"({"a":""})", R"({"a":null})", false},
      {R"({"a":"1","b":"2"})", R"({"a":"1"})", false},
      {R"({"a":"1"})", R"([])", false},
      {R"({"a":"1"})", "", false},
      {R"({"a":1})", R"({"a":1.0})", false},
  };
  for (const auto& each : pairs) {
    EXPECT_EQ(equal_values_json(each.left, each.right), each.equal) << each.left << " and " << each.right;
    EXPECT_EQ(equal_values_json(each.right, each.left), each.equal) << each.right << " and " << each.left;
  }
}

TEST(TextsJson, RoundTrips) {
  for (const std::vector<std::string>& texts :
       {std::vector<std::string>{}, {"a"}, {"", "\"\\\n", "\xC3\xA9"}, {std::string("\0", 1)}}) {
    std::string json;
    append_texts_json(json, texts);
    EXPECT_EQ(parse_texts_json(json), texts) << json;
  }
  for (const std::string json : {"", "{}", "[1]", "[null]", "[\"a\""}) {
    EXPECT_FALSE(parse_texts_json(json).has_value()) << json;
  }
}

}  // namespace
}  // namespace deltadrop
