#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "xlsx/workbook.hpp"

namespace deltadrop::xlsx {

/// Counts the warnings of each type and keeps the first message.
class WarningLog {
 public:
  /// Calls `first` only for the first warning of its type. It returns the message with the position.
  void add(std::string_view type, const std::function<std::string()>& first);
  /// Returns one warning for each type, in the order of their first occurrence, with the counts in the
  /// messages.
  [[nodiscard]] std::vector<Warning> finish() const;

 private:
  std::vector<Warning> warnings_;
};

}  // namespace deltadrop::xlsx
