#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/column_type.hpp"
#include "core/decimal.hpp"

/// Converts the text of a value to a typed value without losing a digit. docs/lake.md has the rules. Pure.
namespace deltadrop {

/// The maximum number of digits before the decimal point. A decimal has 38 digits, at most 18 of them after
/// the point, so 20 fit at every scale.
inline constexpr int kIntegerDigitsMax = 20;
inline constexpr int kFractionDigitsMax = 18;

/// A value and the narrowest type that holds it.
struct TypedValue {
  ColumnType type = ColumnType::string;
  /// boolean: 0 or 1. int64: itself. Decimals: unscaled, in the scale of `type`. date: days since 1970-01-01.
  /// timestamp: microseconds since 1970-01-01T00:00:00Z. string: nothing.
  Int128 number = 0;
};

/// Returns the decimal type with the smallest scale of at least `digits`, or nothing if there is none.
std::optional<ColumnType> decimal_of_scale(std::int64_t digits);
/// Converts `number` to a decimal with at least `digits` digits after the point. Returns type `string` if no
/// decimal type can hold it.
TypedValue typed_decimal(const Decimal& number, std::int64_t digits);

/// Parses `text` as the narrowest type that preserves every digit, or as `string` if there is none.
TypedValue typed_value(std::string_view text);

/// Converts `number` from type `from` to `to`. `to` must be the join of `from` and another type, and not
/// `string`.
Int128 converted(Int128 number, ColumnType from, ColumnType to);

}  // namespace deltadrop
