#pragma once

#include <optional>
#include <string>
#include <string_view>

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
  /// Whether the next one is kept, and worth the words.
  [[nodiscard]] bool keeps_more() const { return findings_.first.size() < most_; }
  /// Starts with findings made elsewhere.
  void add_all(const Findings& others);
  [[nodiscard]] const Findings& findings() const { return findings_; }

 private:
  std::size_t most_;
  Findings findings_;
};

/// A value as a finding carries it: valid UTF-8, control characters as \xNN, cut to about 80 bytes.
std::string value_for_finding(std::string_view value);

}  // namespace deltadrop::csv
