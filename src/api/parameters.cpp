#include "api/parameters.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "core/number.hpp"
#include "core/table_ref.hpp"
#include "core/text.hpp"
#include "http/problem.hpp"

namespace deltadrop::api {
namespace {

constexpr std::size_t kKeyCharactersMax = 1024;

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

Result<std::optional<std::string>> name_filter(const http::Request& request, std::string_view name) {
  auto value = request.query_value(name);
  // Companies and tables have the same name rules.
  if (value && TableRef::make(*value, *value).has_error()) {
    return http::bad_parameter(name, *value, "1 to 128 of A-Z a-z 0-9 . _ -, the first a letter or digit");
  }
  return value;
}

Error no_such_table(const TableRef& table) {
  return Error{ErrorCode::not_found, "no-such-table",
               fmt::format("there is no table {}", quoted_for_message(table.to_string())),
               "GET /api/v1/tables lists them"};
}

Result<TableRef> table_of_path(const http::Request& request) {
  auto table = TableRef::make(request.parameters[0], request.parameters[1]);
  if (table.has_value()) return table;
  return no_such_table({request.parameters[0], request.parameters[1]});
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
  const auto number = parse_integer<std::int64_t>(value);
  if (!number || *number < 1) return http::bad_parameter(name, value, "a whole number from 1");
  return *number;
}

Result<Timestamp> parse_time(std::string_view name, std::string_view value, io::BareDate date,
                             const io::TimeZone& zone) {
  auto parsed = io::parse_point_in_time(value, date, zone);
  if (parsed.has_value()) return parsed;
  constexpr std::size_t kOffsetLength = 6;  // " 02:00"
  if (value.size() > kOffsetLength && value[value.size() - kOffsetLength] == ' ') {
    std::string mended(value);
    mended[mended.size() - kOffsetLength] = '+';
    auto time = Timestamp::parse(mended);
    if (time.has_value()) return time;
  }
  const auto& error = parsed.error();
  return Error{ErrorCode::invalid_input, "bad-parameter", fmt::format("{} {}", name, error.message),
               error.fix};
}

Result<std::chrono::milliseconds> parse_duration(std::string_view name, std::string_view value) {
  constexpr auto kUnits = std::to_array<std::pair<std::string_view, std::int64_t>>(
      {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"", 1000}});
  for (const auto& [unit, factor] : kUnits) {
    if (!value.ends_with(unit)) continue;
    const auto digits = value.substr(0, value.size() - unit.size());
    const auto number = parse_integer<std::int64_t>(digits);
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

http::Response json_response(std::string body) {
  http::Response response;
  response.body = std::move(body);
  return response;
}

}  // namespace deltadrop::api
