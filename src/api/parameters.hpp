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

/// Reads a request's parameters. Each failure is a problem that names the parameter, its value and the
/// accepted values. paging.hpp reads the parameters of lists.
namespace deltadrop::api {

/// Fails unless each query parameter is one of `known` and occurs once. A mistyped `as-of` must not silently
/// select the present.
Result<void> check_query(const http::Request& request, std::initializer_list<std::string_view> known);
Result<void> check_query(const http::Request& request, std::span<const std::string_view> known);

/// Returns the company or table to filter by, or nothing if the parameter is absent. Fails if no company or
/// table can have that name.
Result<std::optional<std::string>> name_filter(const http::Request& request, std::string_view name);

Error no_such_table(const TableRef& table);

/// Returns the table that the path's first two parameters name. Fails with "no-such-table" if no table can
/// have that name.
Result<TableRef> table_of_path(const http::Request& request);

/// Fails if `key` is longer than any row's key can be.
Result<void> check_key(std::string_view name, std::string_view key);

/// Parses "true", "1", "false" or "0", ignoring case: Python clients write "True".
Result<bool> parse_boolean(std::string_view name, std::string_view value);
/// Returns a boolean query parameter, or false if it is absent.
Result<bool> flag_of(const http::Request& request, std::string_view name);

/// Parses a whole number of at least 1.
Result<std::int64_t> parse_positive(std::string_view name, std::string_view value);

/// Parses a time as io::parse_point_in_time does. Also accepts an offset whose `+` arrives as a space because
/// the client did not write it as %2B.
Result<Timestamp> parse_time(std::string_view name, std::string_view value, io::BareDate date,
                             const io::TimeZone& zone);

/// Parses a duration such as "10s", "500ms" or "2m"; a bare number is in seconds. The maximum is 1000000 of a
/// unit.
Result<std::chrono::milliseconds> parse_duration(std::string_view name, std::string_view value);

Result<UploadId> parse_upload_id(std::string_view name, std::string_view value);

/// Returns 200 with a JSON body.
http::Response json_response(std::string body);

}  // namespace deltadrop::api
