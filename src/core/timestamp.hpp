#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/result.hpp"

namespace deltadrop {

/// A moment in UTC with millisecond precision. Its text is RFC 3339 with exactly three decimals and `Z`.
struct Timestamp {
  std::int64_t unix_ms = 0;

  constexpr auto operator<=>(const Timestamp&) const = default;
  [[nodiscard]] constexpr Timestamp plus_ms(std::int64_t ms) const { return Timestamp{unix_ms + ms}; }

  /// "2025-03-10T12:34:56.789Z"
  [[nodiscard]] std::string to_string() const;
  /// "20250310123456", as in the names of Parquet files.
  [[nodiscard]] std::string compact_seconds() const;
  /// "20250310123456789", as in the names of archived files.
  [[nodiscard]] std::string compact_milliseconds() const;

  /// Parses RFC 3339 with any offset and up to nine decimals (truncated to milliseconds), or a bare date,
  /// which means midnight UTC. Years are 0000 to 9999. Fails with invalid_input, type "bad-timestamp".
  static Result<Timestamp> parse(std::string_view text);
};

}  // namespace deltadrop
