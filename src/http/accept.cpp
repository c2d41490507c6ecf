#include "http/accept.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "core/split.hpp"
#include "core/table_ref.hpp"
#include "core/text.hpp"
#include "http/head.hpp"

namespace deltadrop::http {
namespace {

constexpr int kWhole = 1000;  ///< a quality of 1

/// One part of Accept: "text/*;q=0.5".
struct Range {
  std::string type;  ///< in lower case, without parameters
  int quality = kWhole;
};

/// Parses a quality such as "0", "1", "0.5" or "1.000". Returns it in thousandths.
std::optional<int> parse_quality(std::string_view text) {
  constexpr std::size_t kLongest = 5;
  if (text.empty() || text.size() > kLongest || (text[0] != '0' && text[0] != '1')) return std::nullopt;
  if (text.size() > 1 && text[1] != '.') return std::nullopt;
  int quality = (text[0] - '0') * kWhole;
  int place = kWhole / 10;
  for (const char digit : text.substr(std::min<std::size_t>(2, text.size()))) {
    if (digit < '0' || digit > '9') return std::nullopt;
    quality += (digit - '0') * place;
    place /= 10;
  }
  return quality > kWhole ? std::nullopt : std::optional(quality);
}

std::optional<Range> parse_range(std::string_view text) {
  const auto parts = split(text, ';');
  Range range{ascii_lower(trim_blanks(parts.front())), kWhole};
  const auto slash = range.type.find('/');
  if (slash == std::string::npos || slash == 0 || slash + 1 == range.type.size()) return std::nullopt;
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const auto parameter = trim_blanks(parts[i]);
    if (!ascii_lower(parameter).starts_with("q=")) continue;
    const auto quality = parse_quality(parameter.substr(2));
    if (!quality) return std::nullopt;
    range.quality = *quality;
    break;
  }
  return range;
}

/// Returns how closely a range matches a type: 3 exactly, 2 as "text/*", 1 as "*/*", 0 not at all.
int closeness(std::string_view range, std::string_view type) {
  if (range == type) return 3;
  if (range == "*/*") return 1;
  const bool family = range.ends_with("/*") && type.starts_with(range.substr(0, range.size() - 1));
  return family ? 2 : 0;
}

/// Returns the quality of the range that matches the type most closely, or 0 if none matches.
int quality_of(std::string_view type, const std::vector<Range>& ranges) {
  int closest = 0;
  int quality = 0;
  for (const auto& range : ranges) {
    const int close = closeness(range.type, type);
    if (close < closest || close == 0) continue;
    quality = close > closest ? range.quality : std::max(quality, range.quality);
    closest = close;
  }
  return quality;
}

}  // namespace

Result<std::size_t> choose_media_type(const Request& request, std::span<const std::string_view> offers) {
  std::vector<Range> ranges;
  bool asked = false;
  for (const auto& [name, value] : request.headers) {
    if (name != "accept" || trim_blanks(value).empty()) continue;
    asked = true;
    for (const auto part : split(value, ',')) {
      auto range = parse_range(part);
      if (range) ranges.push_back(std::move(*range));
    }
  }
  if (!asked) return std::size_t{0};
  std::size_t best = 0;
  int best_quality = 0;
  for (std::size_t i = 0; i < offers.size(); ++i) {
    const int quality = quality_of(offers[i], ranges);
    if (quality <= best_quality) continue;
    best = i;
    best_quality = quality;
  }
  if (best_quality > 0) return best;
  return Error{ErrorCode::invalid_input, "not-acceptable",
               fmt::format("this resource has no representation that matches {}",
                           quoted_for_message(request.header("accept").value_or(""))),
               fmt::format("accept one of {}", fmt::join(offers, ", "))};
}

}  // namespace deltadrop::http
