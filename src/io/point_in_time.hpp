#pragma once

#include <cstdint>
#include <string_view>

#include "core/timestamp.hpp"
#include "io/time_zone.hpp"

namespace deltadrop::io {

/// What a date without a time means.
enum class BareDate : std::uint8_t { start_of_day, end_of_day };

/// Parses a point in time that a person or a client gives: RFC 3339 with any offset, or a bare date, which
/// means the first or the last millisecond of that day in `zone`. Fails with invalid_input, type
/// "bad-timestamp"; the message begins with the quoted text, so that callers can put the parameter's name
/// before it. A time without a zone fails too, since its reader and its writer may be in different zones.
Result<Timestamp> parse_point_in_time(std::string_view text, BareDate date, const TimeZone& zone);

}  // namespace deltadrop::io
