#include "core/values_json.hpp"

#include <simdjson.h>

#include <algorithm>
#include <utility>

#include "core/json_text.hpp"

namespace deltadrop {
namespace {

namespace json = simdjson::ondemand;

using Values = std::vector<std::pair<std::string, std::string>>;

/// Returns the non-null fields as (name, text), sorted by name, or nothing if `text` is not an object of
/// strings and nulls.
std::optional<Values> values_of(std::string_view text) {
  thread_local json::parser parser;
  const simdjson::padded_string padded(text);
  json::document document;
  json::object object;
  if (parser.iterate(padded).get(document) != simdjson::SUCCESS ||
      document.get_object().get(object) != simdjson::SUCCESS) {
    return std::nullopt;
  }
  Values values;
  for (auto field : object) {
    std::string_view name;
    json::value value;
    if (field.unescaped_key().get(name) != simdjson::SUCCESS) return std::nullopt;
    std::string key(name);
    if (field.value().get(value) != simdjson::SUCCESS) return std::nullopt;
    bool null = false;
    if (value.is_null().get(null) == simdjson::SUCCESS && null) continue;
    std::string_view content;
    if (value.get_string().get(content) != simdjson::SUCCESS) return std::nullopt;
    values.emplace_back(std::move(key), std::string(content));
  }
  std::sort(values.begin(), values.end());
  return values;
}

}  // namespace

bool equal_values_json(std::string_view left, std::string_view right) {
  if (left == right) return true;
  const auto left_values = values_of(left);
  return left_values && left_values == values_of(right);
}

void append_texts_json(std::string& out, const std::vector<std::string>& texts) {
  out += '[';
  for (const auto& text : texts) {
    if (out.back() != '[') out += ',';
    append_json_string(out, text);
  }
  out += ']';
}

std::optional<std::vector<std::string>> parse_texts_json(std::string_view text) {
  thread_local json::parser parser;
  const simdjson::padded_string padded(text);
  json::document document;
  json::array array;
  if (parser.iterate(padded).get(document) != simdjson::SUCCESS ||
      document.get_array().get(array) != simdjson::SUCCESS) {
    return std::nullopt;
  }
  std::vector<std::string> texts;
  for (auto element : array) {
    std::string_view content;
    if (element.get_string().get(content) != simdjson::SUCCESS) return std::nullopt;
    texts.emplace_back(content);
  }
  return texts;
}

}  // namespace deltadrop
