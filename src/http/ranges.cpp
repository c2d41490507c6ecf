#include "http/ranges.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

#include "core/ascii.hpp"
#include "core/table_ref.hpp"
#include "core/text.hpp"
#include "http/head.hpp"

namespace deltadrop::http {
namespace {

/// Parses digits. Returns the largest number if there are too many.
std::optional<std::uint64_t> parse_offset(std::string_view text) {
  const bool digits = std::all_of(text.begin(), text.end(), is_digit);
  if (text.empty() || !digits) return std::nullopt;
  std::uint64_t number = std::numeric_limits<std::uint64_t>::max();
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

Selected part_of(std::uint64_t first, std::uint64_t end) { return {Selection::part, {first, end - first}}; }

}  // namespace

Selected selected_by(std::string_view range, std::uint64_t size) {
  constexpr std::string_view kUnit = "bytes=";
  const Selected whole{Selection::whole, {0, size}};
  const Selected nothing{Selection::nothing, {0, size}};
  range = trim_blanks(range);
  if (ascii_lower(range.substr(0, kUnit.size())) != kUnit) return whole;
  range.remove_prefix(kUnit.size());
  const auto dash = range.find('-');
  if (dash == std::string_view::npos || range.find(',') != std::string_view::npos) return whole;
  const auto first_text = trim_blanks(range.substr(0, dash));
  const auto last_text = trim_blanks(range.substr(dash + 1));
  const auto last = parse_offset(last_text);
  if (first_text.empty()) {
    if (!last) return whole;
    if (*last == 0 || size == 0) return nothing;
    return part_of(size - std::min(*last, size), size);
  }
  const auto first = parse_offset(first_text);
  if (!first || (!last && !last_text.empty()) || (last && *last < *first)) return whole;
  if (*first >= size) return nothing;
  return part_of(*first, last ? std::min(*last, size - 1) + 1 : size);
}

Selected selected_by(const Request& request, std::string_view tag, std::uint64_t size) {
  const auto range = request.header("range");
  if (!range || request.method != "GET") return {Selection::whole, {0, size}};
  // A weak tag or a date does not guarantee equal bytes.
  const auto condition = request.header("if-range");
  if (condition && trim_blanks(*condition) != tag) return {Selection::whole, {0, size}};
  return selected_by(*range, size);
}

}  // namespace deltadrop::http
