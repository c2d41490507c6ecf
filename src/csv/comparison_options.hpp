#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/decimal.hpp"
#include "core/declared_type.hpp"
#include "core/result.hpp"
#include "csv/key_form.hpp"

namespace deltadrop::csv {

/// The columns whose values are compared as numbers if both values are numbers.
struct NumericComparison {
  std::vector<std::string> columns;  ///< sorted; empty means all columns
  Decimal tolerance;                 ///< numbers are equal if they differ by at most this

  [[nodiscard]] bool includes(std::string_view column) const;
  bool operator==(const NumericComparison&) const = default;
};

/// Parses "text", "numeric" or "numeric:COLUMN,...", where the columns are one CSV record. Returns nothing
/// for "text". Fails with invalid_input, type "bad-compare".
Result<std::optional<NumericComparison>> parse_compare(std::string_view text);
/// Formats `compare` as parse_compare reads it.
std::string to_string(const std::optional<NumericComparison>& compare);

/// Parses a non-negative decimal such as "0.005". Fails with invalid_input, type "bad-tolerance".
Result<Decimal> parse_tolerance(std::string_view text);

/// Parses "ignore" or "exact". Returns true for "ignore": keys are compared without regard to case. Fails
/// with invalid_input, type "bad-key-case".
Result<bool> parse_key_case(std::string_view text);
/// Parses "nfc" or "exact". Returns true for "nfc": keys are compared in Unicode normal form C. Fails with
/// invalid_input, type "bad-key-unicode".
Result<bool> parse_key_unicode(std::string_view text);

}  // namespace deltadrop::csv
