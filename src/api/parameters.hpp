#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/event.hpp"
#include "http/message.hpp"
#include "io/point_in_time.hpp"

/// Reads a request's parameters. Every failure is a problem that names the parameter, its value and what it
/// may be. paging.hpp reads those of lists.
namespace deltadrop::api {

/// Fails unless each query parameter is one of `known` and given once: a mistyped `as-of` must not show the
/// present.
Result<void> check_query(const http::Request& request, std::initializer_list<std::string_view> known);
Result<void> check_query(const http::Request& request, std::span<const std::string_view> known);

/// A company or table to filter by; one that no table can have fails.
Result<std::optional<std::string>> name_filter(const http::Request& request, std::string_view name);

Error no_such_table(const TableRef& table);

/// The table that the path's first two parameters name; one that cannot exist is "no-such-table".
Result<TableRef> table_of_path(const http::Request& request);

/// Fails where a text is longer than any row's key: no row can have it.
Result<void> check_key(std::string_view name, std::string_view key);

/// "true" "1" "false" "0", in any case of letters: clients in Python write "True".
Result<bool> parse_boolean(std::string_view name, std::string_view value);
/// A boolean of the query; false where absent.
Result<bool> flag_of(const http::Request& request, std::string_view name);

/// A whole number from 1.
Result<std::int64_t> parse_positive(std::string_view name, std::string_view value);

/// Like io::parse_point_in_time. A `+` of an offset that came as a space, since it was not written %2B, is
/// taken as `+`.
Result<Timestamp> parse_time(std::string_view name, std::string_view value, io::BareDate date,
                             const io::TimeZone& zone);

/// Like "10s", "500ms", "2m"; bare numbers are seconds. At most 1000000 of a unit.
Result<std::chrono::milliseconds> parse_duration(std::string_view name, std::string_view value);

Result<UploadId> parse_upload_id(std::string_view name, std::string_view value);

/// 200 with a JSON body.
http::Response json_response(std::string body);

}  // namespace deltadrop::api
