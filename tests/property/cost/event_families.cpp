#include <fmt/format.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "core/event.hpp"
#include "core/json_text.hpp"
#include "core/text.hpp"
#include "core/values_json.hpp"
#include "cost.hpp"

namespace deltadrop::cost {
namespace {

Family message(std::string name, const std::function<std::string(std::size_t)>& text) {
  return {std::move(name), [text](std::size_t size) -> std::function<void()> {
            auto json = std::make_shared<const std::string>(text(size));
            return [json] { EXPECT_TRUE(parse_event_json(*json).has_error()); };
          }};
}

}  // namespace

std::vector<Family> event_families() {
  std::vector<Family> all = {
      message("EventDeeplyNested",
              [](std::size_t n) { return "{\"company_id\":" + repeated(n, "[") + repeated(n, "]") + "}"; }),
      message("EventNestedObjects",
              [](std::size_t n) { return repeated(n, "{\"old_values\":") + "1" + repeated(n, "}"); }),
      message("EventOneNameRepeated",
              [](std::size_t n) { return "{\"a\":1" + repeated(n, ",\"company_id\":\"a\"") + "}"; }),
      message("EventManyNames",
              [](std::size_t n) {
                std::string json = "{\"a\":1";
                for (std::size_t i = 0; i < n; ++i) json += fmt::format(",\"n{}\":null", i);
                return json + "}";
              }),
      message("EventManyColumnsChanged",
              [](std::size_t n) { return "{\"changed_columns\":[\"a\"" + repeated(n, ",\"a\"") + "]}"; }),
      message("EventOfEscapes",
              [](std::size_t n) { return "{\"company_id\":\"" + repeated(n, "\\u0041") + "\"}"; }),
      message("EventOfBrackets", [](std::size_t n) { return repeated(n, "}{"); }),
  };
  all.push_back({"EventValuesInAnotherOrder", [](std::size_t size) -> std::function<void()> {
                   std::string left = "{\"a\":\"\"";
                   std::string right = left;
                   for (std::size_t i = 0; i < size; ++i) {
                     left += fmt::format(",\"c{}\":\"\"", i);
                     right += fmt::format(",\"c{}\":\"\"", size - i - 1);
                   }
                   return [left = left + "}", right = right + "}"] {
                     EXPECT_TRUE(equal_values_json(left, right));
                   };
                 }});
  all.push_back({"EventEscapedText", [](std::size_t size) -> std::function<void()> {
                   return [text = repeated(size, "\x01\"\\")] {
                     std::string out;
                     append_json_string(out, text);
                     EXPECT_EQ(out.size(), json_string_size(text));
                   };
                 }});
  all.push_back({"TextInvalidAtItsEnd", [](std::size_t size) -> std::function<void()> {
                   return [text = repeated(size, "\xE2\x82\xAC") + "\xFF"] {
                     EXPECT_EQ(find_invalid_utf8(text), text.size() - 1);
                     EXPECT_FALSE(quoted_for_message(text).empty());
                   };
                 }});
  return all;
}

}  // namespace deltadrop::cost
