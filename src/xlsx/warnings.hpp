#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "xlsx/workbook.hpp"

namespace deltadrop::xlsx {

/// Counts findings of each type and keeps the first.
class WarningLog {
 public:
  /// `first` is called only for the first of its type; it says what and where.
  void add(std::string_view type, const std::function<std::string()>& first);
  /// In the order in which they first occurred, with the counts in the messages.
  [[nodiscard]] std::vector<Warning> finish() const;

 private:
  std::vector<Warning> warnings_;
};

}  // namespace deltadrop::xlsx
