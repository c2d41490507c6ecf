#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "csv/options.hpp"

namespace deltadrop::csv {

/// Collects findings, which must come in line order: keeps the first `most`, counts the rest.
class FindingLog {
 public:
  explicit FindingLog(std::size_t most) : most_(most) {}

  /// `make` is called for a Finding only when it is kept.
  template <class Make>
  void add(const Make& make) {
    if (keeps_more()) findings_.first.push_back(make());
    ++findings_.total;
  }
  /// The same of a row; `type` is the finding's, and lives as long as this.
  template <class Make>
  void add(std::string_view type, const Make& make) {
    count(type);
    add(make);
  }
  /// Reports a fault that each of the file's `rows` rows has once, with its count.
  void merge_repeated(std::int64_t rows);
  /// Whether the next one is kept, and worth the words.
  [[nodiscard]] bool keeps_more() const { return findings_.first.size() < most_; }
  /// Starts with findings made elsewhere.
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

/// A value as a finding carries it: valid UTF-8, control characters as \xNN, cut to about 80 bytes.
std::string value_for_finding(std::string_view value);

}  // namespace deltadrop::csv
