#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace deltadrop {

/// Wide enough for every digit of a decimal128.
__extension__ using Int128 = __int128;

/// An exact decimal number of any length. No value is rounded, and none passes through a double.
class Decimal {
 public:
  /// The largest exponent, of either sign, that a text may have: more than a double needs, and little enough
  /// that a short text cannot make a sum long.
  static constexpr int kExponentMax = 400;

  /// Zero.
  Decimal() = default;
  /// `[-]digits[.digits][e[+|-]digits]` and nothing else; `e` in either case. Nothing of other texts and of
  /// exponents beyond kExponentMax.
  static std::optional<Decimal> parse(std::string_view text);
  /// `digits` times ten to the power of `exponent`. `digits`: decimal digits only; "" is zero.
  static Decimal of_digits(bool negative, std::string_view digits, std::int64_t exponent);

  /// The canonical text: no exponent, no zeros at either end, no `-0`. Equal numbers have equal texts, and
  /// `parse` reads it.
  [[nodiscard]] std::string to_string() const;
  [[nodiscard]] bool is_zero() const { return digits_.empty(); }
  [[nodiscard]] bool is_negative() const { return negative_; }
  /// Of the canonical text: digits before the point (0 for 0.5) and after it.
  [[nodiscard]] std::int64_t integer_digits() const;
  [[nodiscard]] std::int64_t fraction_digits() const;
  [[nodiscard]] Decimal magnitude() const;
  Decimal operator-() const;
  /// The number times ten to the power of `scale`, where that is an integer of at most 38 digits.
  [[nodiscard]] std::optional<Int128> unscaled(int scale) const;

  friend Decimal operator+(const Decimal& a, const Decimal& b);
  friend Decimal operator-(const Decimal& a, const Decimal& b) { return a + -b; }
  bool operator==(const Decimal&) const = default;
  friend std::strong_ordering operator<=>(const Decimal& a, const Decimal& b);

 private:
  bool negative_ = false;
  std::string digits_;  ///< the most significant first, no zero at either end; empty: zero
  std::int64_t exponent_ = 0;
};

/// Exact control totals of one column's values. The order in which values are added makes no difference.
class ColumnTotals {
 public:
  void add(const Decimal& number);
  void add_null() { ++nulls_; }
  /// A value that is not a number.
  void add_other() { ++others_; }
  void add(const ColumnTotals& totals);

  /// How many values are numbers, nulls, and neither.
  [[nodiscard]] std::int64_t count() const { return count_; }
  [[nodiscard]] std::int64_t nulls() const { return nulls_; }
  [[nodiscard]] std::int64_t others() const { return others_; }
  [[nodiscard]] Decimal sum() const;
  /// Of the numbers; nothing where there are none.
  [[nodiscard]] const std::optional<Decimal>& min() const { return min_; }
  [[nodiscard]] const std::optional<Decimal>& max() const { return max_; }

 private:
  void note(const Decimal& number);

  std::int64_t count_ = 0;
  std::int64_t nulls_ = 0;
  std::int64_t others_ = 0;
  Int128 small_sum_ = 0;  ///< of numbers that fit it, unscaled
  Decimal large_sum_;     ///< of the others
  std::optional<Decimal> min_;
  std::optional<Decimal> max_;
};

}  // namespace deltadrop
