#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace deltadrop::cost {

/// Returns `piece` repeated `count` times.
inline std::string repeated(std::size_t count, std::string_view piece) {
  std::string text;
  text.reserve(count * piece.size());
  for (std::size_t i = 0; i < count; ++i) text += piece;
  return text;
}

/// Hostile input of any size, and the work that it causes.
struct Family {
  std::string name;
  /// Makes an input of about `size` parts and returns a function that reads it. Only that function is timed.
  std::function<std::function<void()>(std::size_t size)> prepare;
  /// A larger input is rejected as a whole.
  std::size_t size_max = std::size_t{1} << 26;
  /// The ratio between the two compared sizes. A larger ratio detects slower growth.
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
