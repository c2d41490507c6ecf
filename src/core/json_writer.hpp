#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace deltadrop {

/// Writes one JSON object in the order of the calls. It writes text instead of building a tree because most
/// values (events, row values) already are JSON text. Bytes that are not UTF-8 become U+FFFD.
class JsonObject {
 public:
  JsonObject& text(std::string_view name, std::string_view value);
  JsonObject& text_or_null(std::string_view name, const std::optional<std::string>& value);
  JsonObject& number(std::string_view name, std::int64_t value);
  JsonObject& boolean(std::string_view name, bool value);
  JsonObject& null(std::string_view name);
  JsonObject& texts(std::string_view name, const std::vector<std::string>& values);
  /// `json` must be one complete JSON value.
  JsonObject& raw(std::string_view name, std::string_view json);
  /// Returns the object and starts a new, empty one.
  std::string take();

 private:
  void name(std::string_view name);
  std::string out_ = "{";
};

/// Writes one JSON array.
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
