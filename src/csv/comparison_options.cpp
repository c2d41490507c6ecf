#include "csv/comparison_options.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/text.hpp"
#include "csv/options.hpp"

namespace deltadrop::csv {
namespace {

constexpr std::string_view kNumeric = "numeric";

Result<bool> parse_choice(std::string_view name, std::string_view text, std::string_view chosen) {
  if (text == chosen) return true;
  if (text == "exact") return false;
  return Error{ErrorCode::invalid_input, fmt::format("bad-key-{}", name),
               fmt::format("key_{} is {}", name, quoted_for_message(text)),
               fmt::format("use {} or exact", chosen)};
}

}  // namespace

bool NumericComparison::includes(std::string_view column) const {
  return columns.empty() || std::binary_search(columns.begin(), columns.end(), column);
}

Result<std::optional<NumericComparison>> parse_compare(std::string_view text) {
  if (text == "text") return std::optional<NumericComparison>();
  NumericComparison compare;
  if (text == kNumeric) return std::optional(compare);
  if (text.starts_with(kNumeric) && text.substr(kNumeric.size()).starts_with(':')) {
    DD_TRY(compare.columns, parse_column_list(text.substr(kNumeric.size() + 1)));
    std::sort(compare.columns.begin(), compare.columns.end());
    if (!compare.columns.empty()) return std::optional(std::move(compare));
  }
  return Error{ErrorCode::invalid_input, "bad-compare",
               fmt::format("compare is {}", quoted_for_message(text)),
               "use text, numeric, or numeric:COLUMN,..."};
}

std::string to_string(const std::optional<NumericComparison>& compare) {
  if (!compare) return "text";
  if (compare->columns.empty()) return std::string(kNumeric);
  return fmt::format("{}:{}", kNumeric, format_record({compare->columns.begin(), compare->columns.end()}));
}

Result<Decimal> parse_tolerance(std::string_view text) {
  const auto tolerance = Decimal::parse(text);
  if (tolerance && !tolerance->is_negative()) return *tolerance;
  return Error{ErrorCode::invalid_input, "bad-tolerance",
               fmt::format("tolerance is {}", quoted_for_message(text)),
               "give a decimal that is not negative, such as 0.005"};
}

Result<bool> parse_key_case(std::string_view text) { return parse_choice("case", text, "ignore"); }
Result<bool> parse_key_unicode(std::string_view text) { return parse_choice("unicode", text, "nfc"); }

}  // namespace deltadrop::csv
