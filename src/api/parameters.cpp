#include "api/parameters.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <set>
#include <utility>

#include "core/table_ref.hpp"
#include "core/text.hpp"
#include "http/problem.hpp"

namespace deltadrop::api {
namespace {

constexpr std::size_t kKeyCharactersMax = 1024;

constexpr std::string_view kBase64Digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kBase64UrlDigits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr char kFieldSeparator = '\x1f';

std::string encode_base64(std::string_view bytes, std::string_view digits) {
  std::string out;
  std::uint32_t bits = 0;
  int held = 0;
  for (const char c : bytes) {
    bits = bits << 8U | static_cast<unsigned char>(c);
    held += 8;
    while (held >= 6) {
      held -= 6;
      out += digits[bits >> static_cast<unsigned>(held) & 63U];
    }
  }
  if (held > 0) out += digits[bits << static_cast<unsigned>(6 - held) & 63U];
  return out;
}

std::optional<std::string> decode_base64url(std::string_view text) {
  std::string out;
  std::uint32_t bits = 0;
  int held = 0;
  for (const char c : text) {
    const auto digit = kBase64UrlDigits.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    bits = bits << 6U | static_cast<std::uint32_t>(digit);
    held += 6;
    if (held < 8) continue;
    held -= 8;
    out += static_cast<char>(bits >> static_cast<unsigned>(held) & 255U);
  }
  return out;
}

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// The last of `parts_max` parts has all that follows.
std::vector<std::string> split(std::string_view text, char separator, std::size_t parts_max) {
  std::vector<std::string> parts;
  for (std::size_t at = 0; at <= text.size();) {
    const bool last = parts.size() + 1 == parts_max;
    const auto end = last ? text.size() : std::min(text.find(separator, at), text.size());
    parts.emplace_back(text.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

}  // namespace

Result<void> check_query(const http::Request& request, std::initializer_list<std::string_view> known) {
  return check_query(request, std::span(known.begin(), known.size()));
}

Result<void> check_query(const http::Request& request, std::span<const std::string_view> known) {
  std::set<std::string_view> seen;
  for (const auto& [name, value] : request.query) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      return Error{
          ErrorCode::invalid_input, "bad-parameter",
          fmt::format("there is no parameter {} here", quoted_for_message(name)),
          known.size() == 0 ? std::string("leave it out") : fmt::format("use {}", fmt::join(known, ", "))};
    }
    if (!seen.insert(name).second)
      return http::bad_parameter(name, value, "one value; it stands here more than once");
  }
  return success();
}

Result<std::int64_t> limit_of(const http::Request& request) {
  const auto text = request.query_value("limit");
  if (!text) return kPageDefault;
  const auto limit = whole_number(*text);
  if (!limit || *limit < 1 || *limit > kPageMax) {
    return http::bad_parameter("limit", *text, fmt::format("a whole number from 1 to {}", kPageMax));
  }
  return *limit;
}

Result<std::optional<std::string>> name_filter(const http::Request& request, std::string_view name) {
  auto value = request.query_value(name);
  // What fits a company fits a table.
  if (value && TableRef::make(*value, *value).has_error()) {
    return http::bad_parameter(name, *value, "1 to 128 of A-Z a-z 0-9 . _ -, the first a letter or digit");
  }
  return value;
}

Result<void> check_key(std::string_view name, std::string_view key) {
  const auto follows = [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80; };
  const auto characters =
      key.size() - static_cast<std::size_t>(std::count_if(key.begin(), key.end(), follows));
  if (key.empty() || characters > kKeyCharactersMax) return http::bad_parameter(name, key, "a row's key");
  return success();
}

Result<bool> parse_boolean(std::string_view name, std::string_view value) {
  if (value == "1" || ascii_lower(value) == "true") return true;
  if (value == "0" || ascii_lower(value) == "false") return false;
  return http::bad_parameter(name, value, "true, false, 1 or 0");
}

Result<bool> flag_of(const http::Request& request, std::string_view name) {
  const auto value = request.query_value(name);
  if (!value) return false;
  return parse_boolean(name, *value);
}

Result<std::int64_t> parse_positive(std::string_view name, std::string_view value) {
  const auto number = whole_number(value);
  if (!number || *number < 1) return http::bad_parameter(name, value, "a whole number from 1");
  return *number;
}

Result<Timestamp> parse_time(std::string_view name, std::string_view value) {
  auto parsed = Timestamp::parse(value);
  if (parsed.has_value()) return parsed;
  constexpr std::size_t kOffsetLength = 6;  // " 02:00"
  if (value.size() > kOffsetLength && value[value.size() - kOffsetLength] == ' ') {
    std::string mended(value);
    mended[mended.size() - kOffsetLength] = '+';
    parsed = Timestamp::parse(mended);
    if (parsed.has_value()) return parsed;
  }
  return http::bad_parameter(name, value, "a date or time such as 2025-03-31 or 2025-03-31T23:59:59.000Z");
}

Result<std::chrono::milliseconds> parse_duration(std::string_view name, std::string_view value) {
  constexpr std::array<std::pair<std::string_view, std::int64_t>, 4> kUnits = {
      {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"", 1000}}};
  for (const auto& [unit, factor] : kUnits) {
    if (!value.ends_with(unit)) continue;
    const auto digits = value.substr(0, value.size() - unit.size());
    const auto number = whole_number(digits);
    if (!number || digits.starts_with('-') || *number > 1'000'000) break;
    return std::chrono::milliseconds(*number * factor);
  }
  return http::bad_parameter(name, value, "a duration such as 10s or 500ms");
}

Result<UploadId> parse_upload_id(std::string_view name, std::string_view value) {
  auto id = UploadId::parse(value);
  if (id.has_value()) return id;
  return http::bad_parameter(name, value, "an upload_id such as 0195f3a0-7c00-7000-8000-000000000001");
}

std::string make_cursor(std::string_view kind, const std::vector<std::string>& fields) {
  std::string text(kind);
  for (const auto& field : fields) {
    text += kFieldSeparator;
    text += field;
  }
  return encode_base64(text, kBase64UrlDigits);
}

Error bad_cursor() {
  return Error{ErrorCode::invalid_input, "bad-cursor", "the cursor is not one of this list",
               "give cursor as next_cursor of the page before, or leave it out to start again"};
}

Result<std::optional<std::vector<std::string>>> cursor_of(const http::Request& request, std::string_view kind,
                                                          std::size_t fields) {
  using Fields = std::optional<std::vector<std::string>>;
  const auto text = request.query_value("cursor");
  if (!text || text->empty()) return Fields();
  DD_TRY(auto found, parse_cursor(*text, kind, fields));
  return Fields(std::move(found));
}

Result<std::vector<std::string>> parse_cursor(std::string_view text, std::string_view kind,
                                              std::size_t fields) {
  const auto decoded = decode_base64url(text);
  if (!decoded || find_invalid_utf8(*decoded) != std::string_view::npos) return bad_cursor();
  // The last field may hold anything, separators too: it is a row's key.
  auto parts = split(*decoded, kFieldSeparator, fields + 1);
  if (parts.size() != fields + 1 || parts.front() != kind) return bad_cursor();
  parts.erase(parts.begin());
  return parts;
}

Result<std::int64_t> cursor_number(const std::string& field, std::int64_t least) {
  const auto number = whole_number(field);
  if (!number || *number < least) return bad_cursor();
  return *number;
}

Result<std::int64_t> first_after_cursor(const http::Request& request, std::string_view kind) {
  DD_TRY(const auto cursor, cursor_of(request, kind, 1));
  return cursor ? cursor_number(cursor->front(), 1) : Result<std::int64_t>(1);
}

http::Response json_response(std::string body) {
  http::Response response;
  response.body = std::move(body);
  return response;
}

std::string base64(std::string_view bytes) {
  auto out = encode_base64(bytes, kBase64Digits);
  out.append((4 - out.size() % 4) % 4, '=');
  return out;
}

}  // namespace deltadrop::api
