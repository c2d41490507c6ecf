#include "csv/findings.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/text.hpp"

namespace deltadrop::csv {

void FindingLog::add_all(const Findings& others) {
  for (const auto& finding : others.first) {
    if (findings_.first.size() < most_) findings_.first.push_back(finding);
  }
  findings_.total += others.total;
}

void FindingLog::count(std::string_view type) {
  const auto known = std::find_if(rows_of_types_.begin(), rows_of_types_.end(),
                                  [&](const TypeCount& each) { return each.type == type; });
  if (known == rows_of_types_.end()) {
    rows_of_types_.push_back({type, 1});
  } else {
    ++known->rows;
  }
}

void FindingLog::merge_repeated(std::int64_t rows) {
  constexpr std::int64_t kRowsMin = 3;
  if (rows < kRowsMin) return;
  for (const TypeCount& repeated : rows_of_types_) {
    if (repeated.rows != rows) continue;
    const auto has_type = [&](const Finding& finding) { return finding.type == repeated.type; };
    const auto first = std::find_if(findings_.first.begin(), findings_.first.end(), has_type);
    if (first == findings_.first.end()) continue;
    first->count = rows;
    first->message += fmt::format("; each of the {} rows has this fault", rows);
    findings_.first.erase(std::remove_if(first + 1, findings_.first.end(), has_type), findings_.first.end());
    findings_.total -= rows - 1;
  }
}

std::string value_for_finding(std::string_view value) {
  std::string quoted = quoted_for_message(value);
  return quoted.substr(1, quoted.size() - 2);
}

}  // namespace deltadrop::csv
