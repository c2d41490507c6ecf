#include "core/timestamp.hpp"

#include <fmt/format.h>

#include <chrono>
#include <optional>

#include "core/text.hpp"

namespace deltadrop {
namespace {

struct Civil {
  int year;
  unsigned month, day, hour, minute, second, millisecond;
};

Civil civil_of(Timestamp t) {
  using namespace std::chrono;
  const sys_time<milliseconds> point{milliseconds{t.unix_ms}};
  const auto day_point = floor<days>(point);
  const year_month_day ymd{day_point};
  const hh_mm_ss time{point - day_point};
  return Civil{int{ymd.year()},
               unsigned{ymd.month()},
               unsigned{ymd.day()},
               static_cast<unsigned>(time.hours().count()),
               static_cast<unsigned>(time.minutes().count()),
               static_cast<unsigned>(time.seconds().count()),
               static_cast<unsigned>(time.subseconds().count())};
}

/// Removes exactly `digits` decimal digits from the front of `text` and returns their value.
std::optional<int> take_number(std::string_view& text, std::size_t digits) {
  if (text.size() < digits) return std::nullopt;
  int value = 0;
  for (std::size_t i = 0; i < digits; ++i) {
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(digits);
  return value;
}

bool take_char(std::string_view& text, std::string_view any_of) {
  if (text.empty() || any_of.find(text.front()) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

/// Removes a fraction of a second and returns it in milliseconds, truncated after the third digit.
std::optional<int> take_fraction_ms(std::string_view& text) {
  int ms = 0;
  int scale = 100;
  std::size_t digits = 0;
  while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
    ms += (text.front() - '0') * scale;
    scale /= 10;
    text.remove_prefix(1);
    if (++digits > 9) return std::nullopt;
  }
  if (digits == 0) return std::nullopt;
  return ms;
}

/// Removes a UTC offset and returns it in minutes east of UTC.
std::optional<int> take_offset(std::string_view& text) {
  if (take_char(text, "Zz")) return 0;
  if (text.empty() || (text.front() != '+' && text.front() != '-')) return std::nullopt;
  const int sign = text.front() == '+' ? 1 : -1;
  text.remove_prefix(1);
  const auto hours = take_number(text, 2);
  if (!hours || *hours > 23 || !take_char(text, ":")) return std::nullopt;
  const auto minutes = take_number(text, 2);
  if (!minutes || *minutes > 59) return std::nullopt;
  return sign * (*hours * 60 + *minutes);
}

std::optional<Timestamp> parse_or_nothing(std::string_view text) {
  using namespace std::chrono;
  const auto year = take_number(text, 4);
  if (!year || !take_char(text, "-")) return std::nullopt;
  const auto month = take_number(text, 2);
  if (!month || !take_char(text, "-")) return std::nullopt;
  const auto day = take_number(text, 2);
  if (!day) return std::nullopt;
  const year_month_day date{std::chrono::year{*year}, std::chrono::month{static_cast<unsigned>(*month)},
                            std::chrono::day{static_cast<unsigned>(*day)}};
  if (!date.ok()) return std::nullopt;
  const auto midnight = duration_cast<milliseconds>(sys_days{date}.time_since_epoch()).count();
  if (text.empty()) return Timestamp{midnight};
  if (!take_char(text, "Tt ")) return std::nullopt;
  const auto hour = take_number(text, 2);
  if (!hour || *hour > 23 || !take_char(text, ":")) return std::nullopt;
  const auto minute = take_number(text, 2);
  if (!minute || *minute > 59 || !take_char(text, ":")) return std::nullopt;
  const auto second = take_number(text, 2);
  if (!second || *second > 59) return std::nullopt;
  std::optional<int> fraction_ms = 0;
  if (take_char(text, ".")) fraction_ms = take_fraction_ms(text);
  const auto offset_minutes = take_offset(text);
  if (!fraction_ms || !offset_minutes || !text.empty()) return std::nullopt;
  const std::int64_t seconds = *hour * 3600 + *minute * 60 + *second - std::int64_t{*offset_minutes} * 60;
  return Timestamp{midnight + seconds * 1000 + *fraction_ms};
}

}  // namespace

std::string Timestamp::to_string() const {
  const Civil c = civil_of(*this);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", c.year, c.month, c.day, c.hour, c.minute,
                     c.second, c.millisecond);
}

std::string Timestamp::compact_seconds() const {
  const Civil c = civil_of(*this);
  return fmt::format("{:04}{:02}{:02}{:02}{:02}{:02}", c.year, c.month, c.day, c.hour, c.minute, c.second);
}

std::string Timestamp::compact_milliseconds() const {
  return fmt::format("{}{:03}", compact_seconds(), civil_of(*this).millisecond);
}

Result<Timestamp> Timestamp::parse(std::string_view text) {
  if (const auto parsed = parse_or_nothing(text)) return *parsed;
  return Error{ErrorCode::invalid_input, "bad-timestamp",
               fmt::format("{} is not a date and time", quoted_for_message(text)),
               "write it as 2025-03-31 or 2025-03-31T23:59:59.000Z"};
}

}  // namespace deltadrop
