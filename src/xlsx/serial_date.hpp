#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "xlsx/number_format.hpp"

namespace deltadrop::xlsx {

/// What serial number 1 means: 1900-01-01, or 1904-01-02.
enum class DateSystem : std::uint8_t { from_1900, from_1904 };

/// "2024-02-29", "2024-02-29T12:30:00", "12:30:00" or "36:30:00", as `shown` says, to the millisecond.
/// Nothing for a serial number without a date: negative, after 9999-12-31, or, in the 1900 system, 0 and 60
/// (1900-02-29, which Excel counts but which did not exist).
std::optional<std::string> serial_to_iso(double serial, Shown shown, DateSystem system);

/// An ISO 8601 text of a cell of type "d", cut down to what `shown` says; as it is if it is anything else.
std::string_view shown_part_of_iso(std::string_view text, Shown shown);

}  // namespace deltadrop::xlsx
