#include "core/typed_value.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <limits>
#include <optional>

namespace deltadrop {
namespace {

constexpr std::size_t kDateLength = 10;     // YYYY-MM-DD
constexpr std::size_t kSecondsLength = 19;  // YYYY-MM-DDTHH:MM:SS
constexpr std::size_t kMicrosecondDigits = 6;
constexpr std::int64_t kMicrosecondsPerSecond = 1'000'000;
constexpr std::int64_t kSecondsPerDay = 86'400;
constexpr int kOffsetHoursMax = 15;

constexpr auto kPowersOfTen = [] {
  std::array<std::int64_t, kFractionDigitsMax + 1> powers{1};
  for (std::size_t i = 1; i < powers.size(); ++i) powers[i] = powers[i - 1] * 10;
  return powers;
}();

constexpr std::array kDecimals = {ColumnType::decimal2, ColumnType::decimal4,  ColumnType::decimal6,
                                  ColumnType::decimal9, ColumnType::decimal12, ColumnType::decimal18};

/// By the digits behind the point: the decimal of the smallest scale that has them.
constexpr auto kDecimalByDigits = [] {
  constexpr std::array kScales = {2, 4, 6, 9, 12, 18};
  std::array<ColumnType, kFractionDigitsMax + 1> types{};
  std::size_t at = 0;
  for (std::size_t digits = 0; digits < types.size(); ++digits) {
    if (static_cast<int>(digits) > kScales[at]) ++at;
    types[digits] = kDecimals[at];
  }
  return types;
}();

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::size_t digits_at(std::string_view text, std::size_t from) {
  std::size_t end = from;
  while (end < text.size() && is_digit(text[end])) ++end;
  return end - from;
}

/// `digits`: decimal digits only, few enough for the type.
template <class Number>
Number number_of(std::string_view digits, Number start = 0) {
  for (const char c : digits) start = start * 10 + (c - '0');
  return start;
}

/// An integer or a decimal as JSON writes numbers, without an exponent.
std::optional<TypedValue> as_number(std::string_view text) {
  const bool negative = text.front() == '-';
  if (negative) text.remove_prefix(1);
  const std::size_t before = digits_at(text, 0);
  if (before == 0 || before > kIntegerDigitsMax || (before > 1 && text.front() == '0')) return std::nullopt;
  const auto integer = text.substr(0, before);
  constexpr std::size_t kSafeDigits = 18;  // any number of so many is in an int64
  Int128 number =
      before <= kSafeDigits ? Int128{number_of<std::int64_t>(integer)} : number_of<Int128>(integer);
  if (before == text.size()) {
    if (negative) number = -number;
    if (number < std::numeric_limits<std::int64_t>::min() ||
        number > std::numeric_limits<std::int64_t>::max()) {
      return std::nullopt;
    }
    return TypedValue{ColumnType::int64, number};
  }
  const std::size_t behind = digits_at(text, before + 1);
  if (text[before] != '.' || behind == 0 || behind > kFractionDigitsMax ||
      before + 1 + behind != text.size()) {
    return std::nullopt;
  }
  const ColumnType type = kDecimalByDigits[behind];
  const auto fraction = number_of<std::int64_t>(text.substr(before + 1));
  const auto padding = static_cast<std::size_t>(*scale_of(type)) - behind;
  number = number * kPowersOfTen[behind + padding] + Int128{fraction} * kPowersOfTen[padding];
  return TypedValue{type, negative ? -number : number};
}

/// Two digits up to `max`, or -1.
int two_digits(std::string_view text, std::size_t at, int max) {
  if (!is_digit(text[at]) || !is_digit(text[at + 1])) return -1;
  const int number = (text[at] - '0') * 10 + (text[at + 1] - '0');
  return number <= max ? number : -1;
}

/// Days since 1970-01-01 of a YYYY-MM-DD of the years 0001 to 9999 at the front of `text`.
std::optional<std::int64_t> days_at_front(std::string_view text) {
  namespace chrono = std::chrono;
  if (digits_at(text.substr(0, 4), 0) != 4 || text[4] != '-' || text[7] != '-') return std::nullopt;
  const int month = two_digits(text, 5, 12);
  const int day = two_digits(text, 8, 31);
  const chrono::year_month_day date{chrono::year(number_of<int>(text.substr(0, 4))),
                                    chrono::month(static_cast<unsigned>(month)),
                                    chrono::day(static_cast<unsigned>(day))};
  if (month < 0 || day < 0 || date.year() < chrono::year(1) || !date.ok()) return std::nullopt;
  return chrono::sys_days(date).time_since_epoch().count();
}

/// Seconds east of UTC of "", "Z", "+02", "+02:00". No clock has more than 14 hours; PostgreSQL, which the
/// typed views need, takes less than 16.
std::optional<std::int64_t> offset_of(std::string_view text) {
  if (text.empty() || text == "Z") return 0;
  if ((text[0] != '+' && text[0] != '-') || (text.size() != 3 && text.size() != 6)) return std::nullopt;
  const int hours = two_digits(text, 1, kOffsetHoursMax);
  const int minutes = text.size() == 3 ? 0 : (text[3] == ':' ? two_digits(text, 4, 59) : -1);
  if (hours < 0 || minutes < 0) return std::nullopt;
  const std::int64_t seconds = (hours * 60 + minutes) * std::int64_t{60};
  return text[0] == '-' ? -seconds : seconds;
}

std::optional<TypedValue> as_timestamp(std::string_view text) {
  const auto days = days_at_front(text);
  if (!days || (text[10] != 'T' && text[10] != ' ') || text[13] != ':' || text[16] != ':')
    return std::nullopt;
  const int hour = two_digits(text, 11, 23);
  const int minute = two_digits(text, 14, 59);
  const int second = two_digits(text, 17, 59);
  if (hour < 0 || minute < 0 || second < 0) return std::nullopt;
  std::size_t at = kSecondsLength;
  std::int64_t micros = 0;
  if (at < text.size() && text[at] == '.') {
    const std::size_t digits = digits_at(text, at + 1);
    if (digits == 0 || digits > kMicrosecondDigits) return std::nullopt;
    micros = number_of<std::int64_t>(text.substr(at + 1, digits)) * kPowersOfTen[kMicrosecondDigits - digits];
    at += 1 + digits;
  }
  const auto offset = offset_of(text.substr(at));
  if (!offset) return std::nullopt;
  const std::int64_t seconds =
      *days * kSecondsPerDay + (hour * std::int64_t{60} + minute) * 60 + second - *offset;
  // The offset may lead out of the years that every reader has.
  constexpr std::int64_t kFirst = -62'135'596'800;  // 0001-01-01T00:00:00Z
  constexpr std::int64_t kLast = 253'402'300'799;   // 9999-12-31T23:59:59Z
  if (seconds < kFirst || seconds > kLast) return std::nullopt;
  return TypedValue{ColumnType::timestamp, seconds * kMicrosecondsPerSecond + micros};
}

std::optional<TypedValue> as_date(std::string_view text) {
  const auto days = days_at_front(text);
  if (!days) return std::nullopt;
  return TypedValue{ColumnType::date, *days};
}

/// A number with an exponent, as programs write large and small ones: it has the digits that it needs, not
/// those that are written.
std::optional<TypedValue> as_number_with_exponent(std::string_view text) {
  const auto digits = text.substr(text.front() == '-' ? 1 : 0);
  if (digits.size() > 1 && digits[0] == '0' && is_digit(digits[1])) return std::nullopt;
  const auto number = Decimal::parse(text);
  if (!number) return std::nullopt;
  return typed_decimal(*number, number->fraction_digits());
}

}  // namespace

std::optional<ColumnType> decimal_of_scale(std::int64_t digits) {
  if (digits < 0 || digits > kFractionDigitsMax) return std::nullopt;
  return kDecimalByDigits[static_cast<std::size_t>(digits)];
}

TypedValue typed_decimal(const Decimal& number, std::int64_t digits) {
  const auto type = decimal_of_scale(digits);
  if (!type || number.integer_digits() > kIntegerDigitsMax) return {};
  const auto unscaled = number.unscaled(*scale_of(*type));
  return unscaled ? TypedValue{*type, *unscaled} : TypedValue{};
}

TypedValue typed_value(std::string_view text) {
  if (text == "true") return {ColumnType::boolean, 1};
  if (text == "false") return {ColumnType::boolean, 0};
  if (text.empty() || !(is_digit(text.front()) || text.front() == '-')) return {};
  std::optional<TypedValue> value;
  if (text.size() >= kDateLength && text[4] == '-') {
    value = text.size() == kDateLength      ? as_date(text)
            : text.size() >= kSecondsLength ? as_timestamp(text)
                                            : std::nullopt;
  } else {
    value = as_number(text);
  }
  if (!value && text.find_first_of("eE") != std::string_view::npos) value = as_number_with_exponent(text);
  return value.value_or(TypedValue{});
}

Int128 converted(Int128 number, ColumnType from, ColumnType to) {
  if (from == to) return number;
  const int digits = scale_of(to).value_or(0) - scale_of(from).value_or(0);
  return number * kPowersOfTen[static_cast<std::size_t>(digits)];
}

}  // namespace deltadrop
