#include "xlsx/serial_date.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <iterator>

namespace deltadrop::xlsx {
namespace {

using std::chrono::days;
using std::chrono::sys_days;
using std::chrono::year;
using std::chrono::year_month_day;

constexpr std::int64_t kDayMs = 86'400'000;
constexpr double kSerialMax = 2'958'466;  // one day after 9999-12-31
constexpr std::int64_t kFalseLeapDay = 60;

std::optional<year_month_day> date_of(std::int64_t day, DateSystem system) {
  using namespace std::chrono_literals;
  constexpr sys_days k1904 = 1904y / 1 / 1;
  constexpr sys_days kBeforeLeapDay = 1899y / 12 / 31;
  if (system == DateSystem::from_1900 && (day == 0 || day == kFalseLeapDay)) return std::nullopt;
  sys_days found = k1904 + days(day);
  if (system == DateSystem::from_1900) found = kBeforeLeapDay + days(day > kFalseLeapDay ? day - 1 : day);
  const year_month_day date(found);
  if (date.year() > year(9999)) return std::nullopt;
  return date;
}

void append_date(std::string& out, const year_month_day& date) {
  fmt::format_to(std::back_inserter(out), "{:04}-{:02}-{:02}", static_cast<int>(date.year()),
                 static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
}

void append_time(std::string& out, std::int64_t ms) {
  fmt::format_to(std::back_inserter(out), "{:02}:{:02}:{:02}", ms / 3'600'000, ms / 60'000 % 60,
                 ms / 1000 % 60);
  if (ms % 1000 != 0) fmt::format_to(std::back_inserter(out), ".{:03}", ms % 1000);
}

std::string duration_text(std::int64_t ms) {
  std::string out = ms < 0 ? "-" : "";
  append_time(out, std::abs(ms));
  return out;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Returns true if `text` starts with `shape`, in which 0 matches any digit.
bool has_shape(std::string_view text, std::string_view shape) {
  if (text.size() < shape.size()) return false;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == '0' ? !is_digit(text[i]) : text[i] != shape[i]) return false;
  }
  return true;
}

}  // namespace

std::optional<std::string> serial_to_iso(double serial, Shown shown, DateSystem system) {
  if (!std::isfinite(serial) || std::abs(serial) >= kSerialMax) return std::nullopt;
  // Round to milliseconds, because rounding errors of a double (as in 0.1 + 0.2) must not show.
  const std::int64_t ms = std::llround(serial * static_cast<double>(kDayMs));
  if (shown == Shown::duration) return duration_text(ms);
  if (ms < 0) return std::nullopt;
  if (shown == Shown::date_or_time) shown = ms < kDayMs ? Shown::time : Shown::date;
  std::string out;
  if (shown != Shown::time) {
    const auto date = date_of(ms / kDayMs, system);
    if (!date) return std::nullopt;
    append_date(out, *date);
    if (shown == Shown::date) return out;
    out += 'T';
  }
  append_time(out, ms % kDayMs);
  return out;
}

std::string_view shown_part_of_iso(std::string_view text, Shown shown) {
  constexpr std::string_view kDate = "0000-00-00";
  constexpr std::string_view kDateTime = "0000-00-00T00:00:00";
  if (shown == Shown::date && has_shape(text, kDate)) return text.substr(0, kDate.size());
  if (shown != Shown::time && shown != Shown::date_time) return text;
  if (!has_shape(text, kDateTime) || text.find_first_not_of("0123456789.Z", kDateTime.size()) != text.npos)
    return text;
  const std::size_t fraction_end = text.find_last_not_of("0Z");
  // Remove trailing zeros of the fraction, and the point of ".000". Keep the digits before the point.
  std::string_view cut = text.substr(0, std::max(kDateTime.size(), fraction_end + 1));
  if (cut.size() == kDateTime.size() + 1 && cut.back() == '.') cut.remove_suffix(1);
  return shown == Shown::time ? cut.substr(kDate.size() + 1) : cut;
}

}  // namespace deltadrop::xlsx
