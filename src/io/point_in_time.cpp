#include "io/point_in_time.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <string>

#include "core/text.hpp"

namespace deltadrop::io {
namespace {

constexpr std::size_t kDateLength = 10;  // "2025-03-31"

Timestamp time_of(std::chrono::year_month_day day, BareDate date, const TimeZone& zone) {
  using namespace std::chrono;
  const auto time = date == BareDate::end_of_day ? zone.end_of(day) : zone.start_of(day);
  // An offset can move the first and the last day out of the years 0000 to 9999, which have four digits.
  constexpr milliseconds kFirst = sys_days{year{0} / January / 1}.time_since_epoch();
  constexpr milliseconds kLast = sys_days{year{10'000} / January / 1}.time_since_epoch() - milliseconds{1};
  return std::clamp(time, Timestamp{kFirst.count()}, Timestamp{kLast.count()});
}

}  // namespace

Result<Timestamp> parse_point_in_time(std::string_view text, BareDate date, const TimeZone& zone) {
  using namespace std::chrono;
  auto parsed = Timestamp::parse(text);
  if (parsed.has_value()) {
    if (text.size() != kDateLength) return parsed;
    const sys_time<milliseconds> midnight{milliseconds{parsed.value().unix_ms}};
    return time_of(floor<days>(midnight), date, zone);
  }
  for (const std::string_view missing_seconds : {"", ":00"}) {
    const auto local = fmt::format("{}{}", text, missing_seconds);
    if (!Timestamp::parse(local + "Z").has_value()) continue;
    return Error{ErrorCode::invalid_input, "bad-timestamp",
                 fmt::format("{} has no time zone", quoted_for_message(text)),
                 fmt::format("write {0}Z for UTC, or add the offset: {0}+01:00", local)};
  }
  return parsed;
}

}  // namespace deltadrop::io
