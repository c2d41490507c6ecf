#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/column_type.hpp"
#include "core/decimal.hpp"

/// From a value's text to its type and back to nothing less than its value. docs/lake.md has the rules. Pure.
namespace deltadrop {

/// Most digits before the point of a decimal, so that each fits every scale: 38 in all, at most 18 behind.
inline constexpr int kIntegerDigitsMax = 20;
inline constexpr int kFractionDigitsMax = 18;

/// A value and the narrowest type that holds it.
struct TypedValue {
  ColumnType type = ColumnType::string;
  /// boolean: 0 or 1. int64: itself. Decimals: unscaled, in the scale of `type`. date: days since 1970-01-01.
  /// timestamp: microseconds since 1970-01-01T00:00:00Z. string: nothing.
  Int128 number = 0;
};

/// The decimal of the smallest scale that has so many digits after the point, or nothing.
std::optional<ColumnType> decimal_of_scale(std::int64_t digits);
/// `number` as a decimal that has at least `digits` digits after the point; `string` where none holds it.
TypedValue typed_decimal(const Decimal& number, std::int64_t digits);

/// The value of `text`, whose type is `string` where no other gives its value back with every digit.
TypedValue typed_value(std::string_view text);

/// `number` of a value of type `from` as one of `to`, which is `joined` with it and no string.
Int128 converted(Int128 number, ColumnType from, ColumnType to);

}  // namespace deltadrop
