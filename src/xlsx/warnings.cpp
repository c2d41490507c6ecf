#include "xlsx/warnings.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace deltadrop::xlsx {

void WarningLog::add(std::string_view type, const std::function<std::string()>& first) {
  const auto known = std::find_if(warnings_.begin(), warnings_.end(),
                                  [&](const Warning& warning) { return warning.type == type; });
  if (known != warnings_.end()) {
    ++known->count;
  } else {
    warnings_.push_back({std::string(type), first(), 1});
  }
}

std::vector<Warning> WarningLog::finish() const {
  std::vector<Warning> out = warnings_;
  for (Warning& warning : out) {
    if (warning.count > 1) warning.message += fmt::format(" (the first of {})", warning.count);
  }
  return out;
}

}  // namespace deltadrop::xlsx
