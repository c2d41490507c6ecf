#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace deltadrop::xlsx {

/// The ways in which the CSV shows a number according to its number format.
enum class Shown : std::uint8_t {
  as_stored,
  date,
  date_time,
  time,
  duration,      ///< [h]:mm:ss
  date_or_time,  ///< a built-in format that is a date in some languages and a time in others
  code,          ///< 00000: with leading zeros
};

/// One section of a format. ";" separates sections.
struct FormatSection {
  struct Condition {
    enum class Operator : std::uint8_t { less, less_equal, equal, not_equal, greater_equal, greater };
    Operator comparison = Operator::greater_equal;
    double bound = 0;

    [[nodiscard]] bool holds(double value) const;
  };

  Shown shown = Shown::as_stored;
  std::optional<Condition> condition;
  /// For Shown::code: the text, with kDigit for each digit.
  std::string pattern;

  static constexpr char kDigit = '\x01';
};

/// A number format as defined by ECMA-376 part 1, 18.8.30 and 18.8.31.
class NumberFormat {
 public:
  /// Shows numbers as stored.
  NumberFormat() : sections_(1) {}
  /// Parses a format code such as "yyyy-mm-dd" or "00000".
  static NumberFormat parse(std::string_view code);
  /// Returns the built-in format with this id, which is below 164 and has no code in the file.
  static NumberFormat built_in(std::uint32_t id);

  /// Returns the section that applies to `value`.
  [[nodiscard]] const FormatSection& section_for(double value) const;
  /// Returns true if all sections show numbers as stored.
  [[nodiscard]] bool keeps_numbers() const;
  /// Formats `value` with a section whose `shown` is code: "00123", "12345-6789". Returns nothing unless
  /// `value` is an integer with a magnitude below 2^53.
  [[nodiscard]] std::optional<std::string> show_code(double value) const;

 private:
  std::vector<FormatSection> sections_;
};

}  // namespace deltadrop::xlsx
