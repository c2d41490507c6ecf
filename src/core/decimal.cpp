#include "core/decimal.hpp"

#include <algorithm>
#include <cstddef>

namespace deltadrop {
namespace {

/// Digits after the point of a number in ColumnTotals::small_sum_.
constexpr int kSmallScale = 18;
constexpr std::int64_t kUnscaledDigitsMax = 38;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string_view take_digits(std::string_view& text) {
  std::size_t count = 0;
  while (count < text.size() && is_digit(text[count])) ++count;
  const auto digits = text.substr(0, count);
  text.remove_prefix(count);
  return digits;
}

/// What follows the `e` of a number; nothing where it is not a small integer.
std::optional<std::int64_t> exponent_of(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  const auto digits = take_digits(text);
  if (digits.empty() || !text.empty()) return std::nullopt;
  std::int64_t exponent = 0;
  for (const char c : digits) {
    exponent = exponent * 10 + (c - '0');
    if (exponent > Decimal::kExponentMax) return std::nullopt;
  }
  return negative ? -exponent : exponent;
}

Int128 integer_of(std::string_view digits) {
  Int128 number = 0;
  for (const char c : digits) number = number * 10 + (c - '0');
  return number;
}

std::string digits_of(Int128 number) {
  std::string digits;
  // Digit by digit of the number's own sign: its magnitude may not fit.
  for (; number != 0; number /= 10) {
    const int digit = static_cast<int>(number % 10);
    digits.push_back(static_cast<char>('0' + (digit < 0 ? -digit : digit)));
  }
  std::reverse(digits.begin(), digits.end());
  return digits;
}

/// Sum of two numbers of equally many digits, with one more digit in front.
std::string sum_of(const std::string& a, const std::string& b) {
  std::string sum(a.size() + 1, '0');
  int carry = 0;
  for (std::size_t i = a.size(); i-- > 0;) {
    const int digit = (a[i] - '0') + (b[i] - '0') + carry;
    sum[i + 1] = static_cast<char>('0' + digit % 10);
    carry = digit / 10;
  }
  sum[0] = static_cast<char>('0' + carry);
  return sum;
}

/// The same of the difference; `a` is not smaller.
std::string difference_of(const std::string& a, const std::string& b) {
  std::string difference(a.size(), '0');
  int borrow = 0;
  for (std::size_t i = a.size(); i-- > 0;) {
    const int digit = (a[i] - '0') - (b[i] - '0') - borrow;
    difference[i] = static_cast<char>('0' + (digit + 10) % 10);
    borrow = digit < 0 ? 1 : 0;
  }
  return difference;
}

}  // namespace

std::optional<Decimal> Decimal::parse(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  std::string digits(take_digits(text));
  if (digits.empty()) return std::nullopt;
  std::int64_t exponent = 0;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    const auto fraction = take_digits(text);
    if (fraction.empty()) return std::nullopt;
    digits += fraction;
    exponent = -static_cast<std::int64_t>(fraction.size());
  }
  if (!text.empty()) {
    if (text.front() != 'e' && text.front() != 'E') return std::nullopt;
    const auto power = exponent_of(text.substr(1));
    if (!power) return std::nullopt;
    exponent += *power;
  }
  return of_digits(negative, digits, exponent);
}

Decimal Decimal::of_digits(bool negative, std::string_view digits, std::int64_t exponent) {
  digits.remove_prefix(std::min(digits.find_first_not_of('0'), digits.size()));
  const auto end = digits.find_last_not_of('0');
  Decimal number;
  if (end == std::string_view::npos) return number;
  number.negative_ = negative;
  number.exponent_ = exponent + static_cast<std::int64_t>(digits.size() - end - 1);
  number.digits_ = digits.substr(0, end + 1);
  return number;
}

std::int64_t Decimal::integer_digits() const {
  return std::max<std::int64_t>(0, static_cast<std::int64_t>(digits_.size()) + exponent_);
}

std::int64_t Decimal::fraction_digits() const { return std::max<std::int64_t>(0, -exponent_); }

std::string Decimal::to_string() const {
  if (is_zero()) return "0";
  std::string text = digits_;
  if (exponent_ >= 0) {
    text.append(static_cast<std::size_t>(exponent_), '0');
  } else {
    const auto after = static_cast<std::size_t>(-exponent_);
    if (text.size() <= after) text.insert(0, after + 1 - text.size(), '0');
    text.insert(text.size() - after, 1, '.');
  }
  return negative_ ? '-' + text : text;
}

Decimal Decimal::magnitude() const {
  Decimal number = *this;
  number.negative_ = false;
  return number;
}

Decimal Decimal::operator-() const {
  Decimal number = *this;
  number.negative_ = !negative_ && !is_zero();
  return number;
}

std::optional<Int128> Decimal::unscaled(int scale) const {
  if (is_zero()) return Int128{0};
  const std::int64_t zeros = exponent_ + scale;
  if (zeros < 0 || static_cast<std::int64_t>(digits_.size()) + zeros > kUnscaledDigitsMax)
    return std::nullopt;
  const auto number = integer_of(digits_ + std::string(static_cast<std::size_t>(zeros), '0'));
  return negative_ ? -number : number;
}

std::strong_ordering operator<=>(const Decimal& a, const Decimal& b) {
  if (a.is_zero() || b.is_zero() || a.negative_ != b.negative_) {
    const auto sign = [](const Decimal& of) { return of.is_zero() ? 0 : (of.negative_ ? -1 : 1); };
    return sign(a) <=> sign(b);
  }
  const auto places = [](const Decimal& of) {
    return static_cast<std::int64_t>(of.digits_.size()) + of.exponent_;
  };
  // Where both begin at one place, their digits compare as texts: neither ends in a zero.
  const auto order = places(a) != places(b) ? places(a) <=> places(b) : a.digits_.compare(b.digits_) <=> 0;
  return a.negative_ ? 0 <=> order : order;
}

Decimal operator+(const Decimal& a, const Decimal& b) {
  if (a.is_zero()) return b;
  if (b.is_zero()) return a;
  const std::int64_t exponent = std::min(a.exponent_, b.exponent_);
  const auto aligned = [&](const Decimal& of) {
    return of.digits_ + std::string(static_cast<std::size_t>(of.exponent_ - exponent), '0');
  };
  std::string first = aligned(a);
  std::string second = aligned(b);
  const auto length = std::max(first.size(), second.size());
  first.insert(0, length - first.size(), '0');
  second.insert(0, length - second.size(), '0');
  if (a.negative_ == b.negative_) return Decimal::of_digits(a.negative_, sum_of(first, second), exponent);
  if (first < second) return Decimal::of_digits(b.negative_, difference_of(second, first), exponent);
  return Decimal::of_digits(a.negative_, difference_of(first, second), exponent);
}

void ColumnTotals::note(const Decimal& number) {
  if (!min_ || number < *min_) min_ = number;
  if (!max_ || number > *max_) max_ = number;
}

void ColumnTotals::add(const Decimal& number) {
  ++count_;
  note(number);
  const auto small = number.unscaled(kSmallScale);
  Int128 sum = 0;
  if (small && !__builtin_add_overflow(small_sum_, *small, &sum)) {
    small_sum_ = sum;
  } else {
    large_sum_ = large_sum_ + number;
  }
}

void ColumnTotals::add(const ColumnTotals& totals) {
  count_ += totals.count_;
  nulls_ += totals.nulls_;
  others_ += totals.others_;
  large_sum_ = large_sum_ + totals.sum();
  if (totals.min_) note(*totals.min_);
  if (totals.max_) note(*totals.max_);
}

Decimal ColumnTotals::sum() const {
  return Decimal::of_digits(small_sum_ < 0, digits_of(small_sum_), -kSmallScale) + large_sum_;
}

}  // namespace deltadrop
