#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace deltadrop::xlsx {

/// What a number format makes of a number, as far as the CSV follows it.
enum class Shown : std::uint8_t {
  as_stored,
  date,
  date_time,
  time,
  duration,      ///< [h]:mm:ss
  date_or_time,  ///< a built-in format that is a date in some languages and a time in others
  code,          ///< 00000: with leading zeros
};

/// One of the sections of a format, which ";" separates.
struct FormatSection {
  struct Condition {
    enum class Operator : std::uint8_t { less, less_equal, equal, not_equal, greater_equal, greater };
    Operator comparison = Operator::greater_equal;
    double bound = 0;

    [[nodiscard]] bool holds(double value) const;
  };

  Shown shown = Shown::as_stored;
  std::optional<Condition> condition;
  /// Of a code: its text, with kDigit for each digit.
  std::string pattern;

  static constexpr char kDigit = '\x01';
};

/// A number format of ECMA-376 part 1, 18.8.30 and 18.8.31.
class NumberFormat {
 public:
  /// Shows numbers as stored.
  NumberFormat() : sections_(1) {}
  static NumberFormat parse(std::string_view code);
  /// The format that a number below 164 means without a code in the file.
  static NumberFormat built_in(std::uint32_t id);

  /// The section that applies to `value`.
  [[nodiscard]] const FormatSection& section_for(double value) const;
  /// True if no section changes a number.
  [[nodiscard]] bool keeps_numbers() const;
  /// What a code's section shows of `value`: "00123", "12345-6789". Nothing unless `value` is an integer that
  /// a double holds exactly.
  [[nodiscard]] std::optional<std::string> show_code(double value) const;

 private:
  std::vector<FormatSection> sections_;
};

}  // namespace deltadrop::xlsx
