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

/// Columns whose values are compared as numbers where both are numbers.
struct NumericComparison {
  std::vector<std::string> columns;  ///< sorted; empty: all
  Decimal tolerance;                 ///< numbers that differ by no more are equal

  [[nodiscard]] bool includes(std::string_view column) const;
  bool operator==(const NumericComparison&) const = default;
};

/// "text", "numeric" or "numeric:COLUMN,...", the columns as one CSV record; nothing for "text".
/// invalid_input "bad-compare".
Result<std::optional<NumericComparison>> parse_compare(std::string_view text);
/// The reverse.
std::string to_string(const std::optional<NumericComparison>& compare);

/// A decimal that is not negative, such as "0.005". invalid_input "bad-tolerance".
Result<Decimal> parse_tolerance(std::string_view text);

/// "ignore" or "exact": whether the case of keys is ignored. invalid_input "bad-key-case".
Result<bool> parse_key_case(std::string_view text);
/// "nfc" or "exact": whether keys are compared in normal form C. invalid_input "bad-key-unicode".
Result<bool> parse_key_unicode(std::string_view text);

}  // namespace deltadrop::csv
