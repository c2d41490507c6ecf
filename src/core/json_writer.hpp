#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace deltadrop {

/// One JSON object, written in the order of the calls. JSON that is there as text (events, values) goes in as
/// it is, which is why answers are written and not built as a tree. Bytes that are not UTF-8 become U+FFFD.
class JsonObject {
 public:
  JsonObject& text(std::string_view name, std::string_view value);
  JsonObject& text_or_null(std::string_view name, const std::optional<std::string>& value);
  JsonObject& number(std::string_view name, std::int64_t value);
  JsonObject& boolean(std::string_view name, bool value);
  JsonObject& null(std::string_view name);
  JsonObject& texts(std::string_view name, const std::vector<std::string>& values);
  /// `json` is a whole JSON value.
  JsonObject& raw(std::string_view name, std::string_view json);
  /// The object; this one is empty afterwards.
  std::string take();

 private:
  void name(std::string_view name);
  std::string out_ = "{";
};

/// One JSON array of values that are there as text.
class JsonArray {
 public:
  JsonArray& raw(std::string_view json);
  JsonArray& text(std::string_view value);
  [[nodiscard]] std::size_t bytes() const { return out_.size(); }
  std::string take();

 private:
  std::string out_ = "[";
};

}  // namespace deltadrop
