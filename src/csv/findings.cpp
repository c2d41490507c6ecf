#include "csv/findings.hpp"

#include "core/text.hpp"

namespace deltadrop::csv {

void FindingLog::add_all(const Findings& others) {
  for (const auto& finding : others.first) {
    if (findings_.first.size() < most_) findings_.first.push_back(finding);
  }
  findings_.total += others.total;
}

std::string value_for_finding(std::string_view value) {
  std::string quoted = quoted_for_message(value);
  return quoted.substr(1, quoted.size() - 2);
}

}  // namespace deltadrop::csv
