#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/column_type.hpp"
#include "core/decimal.hpp"
#include "core/result.hpp"
#include "core/typed_value.hpp"

/// What `types=` declares of a column: its type, and how its values are written. docs/types-and-comparison.md
/// has the syntax. Pure.
namespace deltadrop {

/// What separates groups of three digits.
enum class Thousands : std::uint8_t {
  any,  ///< each of those below that is not the decimal mark, but one in a number
  none,
  comma,
  dot,
  apostrophe,  ///< ' and ’
  blank,       ///< a space, no-break space, narrow no-break space or thin space
};

/// How a column's numbers are written.
struct NumberNotation {
  char mark = '.';  ///< the decimal mark: `.` or `,`
  Thousands thousands = Thousands::any;
  std::string currency;  ///< what may stand before or after a number, such as € or EUR; empty: nothing
  bool percent = false;  ///< each number ends in %, and means a hundredth

  bool operator==(const NumberNotation&) const = default;
};

/// Order of a date's parts, and what is between them.
struct DatePattern {
  enum class Part : std::uint8_t { day, month, year };
  struct Field {
    Part part;
    std::size_t digits;  ///< 4 for a year; 2, or 1 where a leading zero may be missing
    std::string before;  ///< the literal text before the field
    bool operator==(const Field&) const = default;
  };
  std::array<Field, 3> fields;

  /// "DD.MM.YYYY": each of D or DD, M or MM, YYYY once, with other characters than letters, digits and quotes
  /// before and between them.
  static std::optional<DatePattern> parse(std::string_view text);
  [[nodiscard]] std::string to_string() const;
  /// Days since 1970-01-01 of a date of the years 0001 to 9999.
  [[nodiscard]] std::optional<std::int64_t> days(std::string_view text) const;
  bool operator==(const DatePattern&) const = default;
};

class DeclaredType {
 public:
  /// `type` as JSON and ISO 8601 write its values.
  explicit DeclaredType(ColumnType type = ColumnType::string) : type_(type) {}
  /// "decimal(2)", "decimal(2, ',')", "date(DD.MM.YYYY)"; keywords in any case. invalid_input "bad-types".
  static Result<DeclaredType> parse(std::string_view text);
  /// The canonical text, which `parse` reads.
  [[nodiscard]] std::string to_string() const;

  [[nodiscard]] ColumnType type() const { return type_; }
  /// How numbers are written, where that is declared.
  [[nodiscard]] const std::optional<NumberNotation>& numbers() const { return numbers_; }
  /// How dates are written, where that is declared.
  [[nodiscard]] const std::optional<DatePattern>& dates() const { return dates_; }
  [[nodiscard]] bool has_notation() const { return numbers_ || dates_; }

  /// The number that `text` is, whatever the type; nothing where it is not one.
  [[nodiscard]] std::optional<Decimal> number(std::string_view text) const;
  /// The value and the narrowest type that holds it; `string` where it is not a value of this notation.
  [[nodiscard]] TypedValue typed(std::string_view text) const;
  /// Whether a column of this type holds the value.
  [[nodiscard]] bool holds(std::string_view text) const;
  /// What is wrong with a value that the type does not hold, such as `is not a date(DD.MM.YYYY)`.
  [[nodiscard]] std::string fault_in(std::string_view text) const;

  bool operator==(const DeclaredType&) const = default;

 private:
  ColumnType type_;
  std::optional<NumberNotation> numbers_;
  std::optional<DatePattern> dates_;
};

/// By column, in byte order.
using DeclaredTypes = std::map<std::string, DeclaredType, std::less<>>;

/// `column:type,...`: what `types=` gives. An entry may be quoted as in CSV; a comma within the parentheses
/// of a type needs no quotes. The name is all before the last colon that begins a type. invalid_input
/// "bad-types".
Result<DeclaredTypes> parse_declared_types(std::string_view text);

/// The characters that may separate thousands where the decimal mark is `mark`, each as UTF-8.
std::vector<std::string_view> thousands_separators(Thousands thousands, char mark);
/// Space, tab, no-break space, narrow no-break space and thin space, each as UTF-8.
std::vector<std::string_view> number_blanks();

}  // namespace deltadrop
