#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace deltadrop {

/// The type of a column's values for typed readers (docs/lake.md). The history stores their text.
enum class ColumnType : std::uint8_t {
  null,  ///< no value yet
  boolean,
  int64,
  decimal2,  ///< decimal128(38, 2); the number is the scale
  decimal4,
  decimal6,
  decimal9,
  decimal12,
  decimal18,
  date,
  timestamp,  ///< microseconds, UTC
  string,
};

/// The types that a user can declare: all but `null`.
inline constexpr std::array kDeclarableTypes = {
    ColumnType::int64,     ColumnType::decimal2,  ColumnType::decimal4,  ColumnType::decimal6,
    ColumnType::decimal9,  ColumnType::decimal12, ColumnType::decimal18, ColumnType::date,
    ColumnType::timestamp, ColumnType::boolean,   ColumnType::string};

/// The name that `types=` accepts and the history stores: "int64", "decimal(2)", ...
std::string_view to_string(ColumnType type);
std::optional<ColumnType> parse_column_type(std::string_view name);

/// The number of digits after the decimal point, or nothing if `type` is not a decimal.
std::optional<int> scale_of(ColumnType type);

/// The type that a file declares for the column: string if the column has no value yet.
inline ColumnType type_in_files(ColumnType type) {
  return type == ColumnType::null ? ColumnType::string : type;
}

/// The narrowest type that holds every value of both types. This is a lattice join, so the order of the
/// values does not matter. Every type holds `null`; every decimal holds int64 and the decimals of a smaller
/// scale; any other two types join to `string`.
ColumnType joined(ColumnType a, ColumnType b);

}  // namespace deltadrop
