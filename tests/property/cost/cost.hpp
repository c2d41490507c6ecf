#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace deltadrop::cost {

/// `piece`, `count` times.
inline std::string repeated(std::size_t count, std::string_view piece) {
  std::string text;
  text.reserve(count * piece.size());
  for (std::size_t i = 0; i < count; ++i) text += piece;
  return text;
}

/// Hostile input of any size, and the work that it makes.
struct Family {
  std::string name;
  /// Makes an input of about `size` parts, and returns what reads it. Only the latter is timed.
  std::function<std::function<void()>(std::size_t size)> prepare;
  /// Beyond this the input is refused whole.
  std::size_t size_max = std::size_t{1} << 26;
  /// How many times as large the input is that it is compared with. A larger one tells slower growth apart.
  std::size_t factor = 4;
};

std::vector<Family> csv_families();
std::vector<Family> diff_families();
std::vector<Family> event_families();
std::vector<Family> http_families();
std::vector<Family> ingest_families();
std::vector<Family> lake_families();
std::vector<Family> workbook_families();

}  // namespace deltadrop::cost
