#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <string_view>
#include <vector>

namespace deltadrop {

/// The parts of `text` between separators; "" has one, which is empty. The last of `parts_max` parts is all
/// of the rest.
inline std::vector<std::string_view> split(std::string_view text, char separator,
                                           std::size_t parts_max = std::numeric_limits<std::size_t>::max()) {
  std::vector<std::string_view> parts;
  for (std::size_t at = 0; at <= text.size();) {
    const bool last = parts.size() + 1 == parts_max;
    const auto end = last ? text.size() : std::min(text.find(separator, at), text.size());
    parts.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

}  // namespace deltadrop
