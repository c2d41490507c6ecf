#include "core/json_writer.hpp"

#include <algorithm>
#include <utility>

#include "core/json_text.hpp"
#include "core/text.hpp"

namespace deltadrop {
namespace {

constexpr std::string_view kReplacementCharacter = "\xEF\xBF\xBD";

void append_any_text(std::string& out, std::string_view text) {
  if (find_invalid_utf8(text) == std::string_view::npos) return append_json_string(out, text);
  // Repair one character at a time: find_invalid_utf8 would validate the whole rest for each invalid byte.
  std::string repaired;
  while (!text.empty()) {
    const auto length = utf8_character_length(text);
    repaired += length == 0 ? kReplacementCharacter : text.substr(0, length);
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  append_json_string(out, repaired);
}

}  // namespace

void JsonObject::name(std::string_view name) {
  if (out_.size() > 1) out_ += ',';
  append_any_text(out_, name);
  out_ += ':';
}

JsonObject& JsonObject::text(std::string_view field, std::string_view value) {
  name(field);
  append_any_text(out_, value);
  return *this;
}

JsonObject& JsonObject::text_or_null(std::string_view field, const std::optional<std::string>& value) {
  return value ? text(field, *value) : null(field);
}

JsonObject& JsonObject::number(std::string_view field, std::int64_t value) {
  return raw(field, std::to_string(value));
}

JsonObject& JsonObject::boolean(std::string_view field, bool value) {
  return raw(field, value ? "true" : "false");
}

JsonObject& JsonObject::null(std::string_view field) { return raw(field, "null"); }

JsonObject& JsonObject::texts(std::string_view field, const std::vector<std::string>& values) {
  JsonArray array;
  for (const auto& value : values) array.text(value);
  return raw(field, array.take());
}

JsonObject& JsonObject::raw(std::string_view field, std::string_view json) {
  name(field);
  out_ += json;
  return *this;
}

std::string JsonObject::take() {
  out_ += '}';
  return std::exchange(out_, "{");
}

JsonArray& JsonArray::raw(std::string_view json) {
  if (out_.size() > 1) out_ += ',';
  out_ += json;
  return *this;
}

JsonArray& JsonArray::text(std::string_view value) {
  if (out_.size() > 1) out_ += ',';
  append_any_text(out_, value);
  return *this;
}

std::string JsonArray::take() {
  out_ += ']';
  return std::exchange(out_, "[");
}

}  // namespace deltadrop
