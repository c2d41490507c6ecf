#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace deltadrop {

/// What the values of a column are, as typed readers see them: docs/lake.md. The history keeps their text.
enum class ColumnType : std::uint8_t {
  null,  ///< no value yet
  boolean,
  int64,
  decimal2,  ///< decimal128(38, 2), and so on
  decimal4,
  decimal6,
  decimal9,
  decimal12,
  decimal18,
  date,
  timestamp,  ///< microseconds, UTC
  string,
};

/// Those that a user can name; all but `null`.
inline constexpr std::array kDeclarableTypes = {
    ColumnType::int64,     ColumnType::decimal2,  ColumnType::decimal4,  ColumnType::decimal6,
    ColumnType::decimal9,  ColumnType::decimal12, ColumnType::decimal18, ColumnType::date,
    ColumnType::timestamp, ColumnType::boolean,   ColumnType::string};

/// "int64", "decimal(2)", ..., as `types=` has it and the history keeps it.
std::string_view to_string(ColumnType type);
std::optional<ColumnType> parse_column_type(std::string_view name);

/// Digits after the point of a decimal; nothing of another type.
std::optional<int> scale_of(ColumnType type);

/// What a file has for it: strings where there is no value yet.
inline ColumnType type_in_files(ColumnType type) {
  return type == ColumnType::null ? ColumnType::string : type;
}

/// The narrowest type that holds every value of both: a join, so that the order in which values come makes no
/// difference. `null` is in all; int64 is in every decimal, and a decimal in those of larger scale; all else
/// meets in `string`.
ColumnType joined(ColumnType a, ColumnType b);

}  // namespace deltadrop
