#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "xlsx/number_format.hpp"

namespace deltadrop::xlsx {

/// The date of serial number 1: 1900-01-01 or 1904-01-02.
enum class DateSystem : std::uint8_t { from_1900, from_1904 };

/// Formats a serial number according to `shown`, to the millisecond: "2024-02-29", "2024-02-29T12:30:00",
/// "12:30:00" or "36:30:00". Returns nothing for a serial number without a date: negative, after 9999-12-31,
/// or, in the 1900 system, 0 and 60 (1900-02-29, which Excel counts but which did not exist).
std::optional<std::string> serial_to_iso(double serial, Shown shown, DateSystem system);

/// Returns the part of an ISO 8601 text (of a cell of type "d") that `shown` selects. Returns other texts
/// unchanged.
std::string_view shown_part_of_iso(std::string_view text, Shown shown);

}  // namespace deltadrop::xlsx
