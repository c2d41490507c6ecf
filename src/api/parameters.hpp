#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/event.hpp"
#include "http/message.hpp"

/// Reading what a request asks for. Every failure is a problem that names the parameter, its value and what
/// it may be.
namespace deltadrop::api {

inline constexpr std::int64_t kPageDefault = 100;
inline constexpr std::int64_t kPageMax = 1000;
/// A page ends early when it has this many bytes, so that an answer is never as large as 1000 of the largest
/// events.
inline constexpr std::size_t kPageBytesMax = std::size_t{8} << 20;

/// Fails unless each query parameter is one of `known` and given once: a mistyped `as-of` must not show the
/// present.
Result<void> check_query(const http::Request& request, std::initializer_list<std::string_view> known);
Result<void> check_query(const http::Request& request, std::span<const std::string_view> known);

/// `limit`, 1 to 1000; 100 where absent.
Result<std::int64_t> limit_of(const http::Request& request);

/// A company or table to filter by; one that no table can have fails.
Result<std::optional<std::string>> name_filter(const http::Request& request, std::string_view name);

/// Fails where a text is longer than any row's key: no row can have it.
Result<void> check_key(std::string_view name, std::string_view key);

/// "true" "1" "false" "0", in any case of letters: clients in Python write "True".
Result<bool> parse_boolean(std::string_view name, std::string_view value);
/// A boolean of the query; false where absent.
Result<bool> flag_of(const http::Request& request, std::string_view name);

/// A whole number from 1.
Result<std::int64_t> parse_positive(std::string_view name, std::string_view value);

/// A date or RFC 3339 time. A `+` of an offset that came as a space, since it was not written %2B, is taken
/// as `+`.
Result<Timestamp> parse_time(std::string_view name, std::string_view value);

/// Like "10s", "500ms", "2m"; bare numbers are seconds. At most 1000000 of a unit.
Result<std::chrono::milliseconds> parse_duration(std::string_view name, std::string_view value);

Result<UploadId> parse_upload_id(std::string_view name, std::string_view value);

/// Cursors are opaque to clients: a kind (so that one list's cursor is refused by another) and fields,
/// base64url.
std::string make_cursor(std::string_view kind, const std::vector<std::string>& fields);

/// The fields of a cursor; fails unless it is one of this kind with that many. The last field may hold any
/// character.
Result<std::vector<std::string>> parse_cursor(std::string_view text, std::string_view kind,
                                              std::size_t fields);

/// The request's cursor; nothing where absent. Fails unless it is one of this kind with that many fields.
Result<std::optional<std::vector<std::string>>> cursor_of(const http::Request& request, std::string_view kind,
                                                          std::size_t fields);

/// A number of at least `least` that make_cursor was given; fails on a tampered one.
Result<std::int64_t> cursor_number(const std::string& field,
                                   std::int64_t least = std::numeric_limits<std::int64_t>::min());

/// Where a page of things that are numbered from 1 begins: the cursor's one number, or 1 without a cursor.
Result<std::int64_t> first_after_cursor(const http::Request& request, std::string_view kind);

Error bad_cursor();

/// 200 with a JSON body.
http::Response json_response(std::string body);

/// RFC 4648 section 4, with padding.
std::string base64(std::string_view bytes);

}  // namespace deltadrop::api
