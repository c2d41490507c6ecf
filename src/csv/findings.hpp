#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "csv/options.hpp"

namespace deltadrop::csv {

/// Collects findings, which must be added in line order. Keeps the first `most` and counts the rest.
class FindingLog {
 public:
  explicit FindingLog(std::size_t most) : most_(most) {}

  /// Calls `make` for a Finding only if the log keeps it.
  template <class Make>
  void add(const Make& make) {
    if (keeps_more()) findings_.first.push_back(make());
    ++findings_.total;
  }
  /// Adds a finding about a row. `type` is the finding's type and must outlive the log.
  template <class Make>
  void add(std::string_view type, const Make& make) {
    count(type);
    add(make);
  }
  /// Merges the findings of a fault that each of the file's `rows` rows has into one with a count.
  void merge_repeated(std::int64_t rows);
  /// Returns true if the log keeps the next finding.
  [[nodiscard]] bool keeps_more() const { return findings_.first.size() < most_; }
  /// Adds findings from another log; call it before add().
  void add_all(const Findings& others);
  [[nodiscard]] const Findings& findings() const { return findings_; }

 private:
  struct TypeCount {
    std::string_view type;
    std::int64_t rows = 0;
  };
  void count(std::string_view type);

  std::size_t most_;
  Findings findings_;
  std::vector<TypeCount> rows_of_types_;
};

/// Formats a value for a finding: valid UTF-8, control characters as \xNN, cut to about 80 bytes.
std::string value_for_finding(std::string_view value);

}  // namespace deltadrop::csv
