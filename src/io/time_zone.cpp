#include "io/time_zone.hpp"

#include <absl/time/civil_time.h>
#include <absl/time/time.h>
#include <fmt/format.h>

#include <algorithm>

#include "core/text.hpp"

namespace deltadrop::io {

struct TimeZone::Rules {
  absl::TimeZone zone;
};

namespace {

/// Excludes paths, and what the database's folder has besides zones: posixrules, right/ (with leap seconds)
/// and localtime.
bool may_be_zone(std::string_view name) {
  const auto allowed = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           std::string_view("/_+-").find(c) != std::string_view::npos;
  };
  return !name.empty() && name.front() >= 'A' && name.front() <= 'Z' && std::ranges::all_of(name, allowed);
}

absl::CivilDay civil_day(std::chrono::year_month_day day) {
  return absl::CivilDay(int{day.year()}, unsigned{day.month()}, unsigned{day.day()});
}

Timestamp to_timestamp(absl::Time time) { return Timestamp{absl::ToUnixMillis(time)}; }

}  // namespace

Result<TimeZone> TimeZone::find(std::string_view name) {
  TimeZone found;
  if (name == found.name_) return found;
  Rules rules;
  if (!may_be_zone(name) || !absl::LoadTimeZone(std::string(name), &rules.zone)) {
    return Error{ErrorCode::invalid_input, "bad-time-zone",
                 fmt::format("this machine has no time zone {}", quoted_for_message(name)),
                 "give a name of the IANA database, such as Europe/Zurich; the package tzdata contains it"};
  }
  found.name_ = name;
  found.rules_ = std::make_shared<const Rules>(rules);
  return found;
}

Timestamp TimeZone::start_of(std::chrono::year_month_day day) const {
  const auto zone = rules_ ? rules_->zone : absl::UTCTimeZone();
  const auto midnight = zone.At(absl::CivilSecond(civil_day(day)));
  // If clocks skip midnight, the day begins when they do. If midnight repeats, it begins with the first one.
  return to_timestamp(midnight.kind == absl::TimeZone::TimeInfo::SKIPPED ? midnight.trans : midnight.pre);
}

Timestamp TimeZone::end_of(std::chrono::year_month_day day) const {
  const auto zone = rules_ ? rules_->zone : absl::UTCTimeZone();
  const absl::CivilSecond civil(civil_day(day) + 1);
  const auto midnight = zone.At(civil);
  auto next_day = midnight.pre;
  if (midnight.kind == absl::TimeZone::TimeInfo::SKIPPED) next_day = midnight.trans;
  // Clocks that go back across midnight, such as from 00:01 to 23:01, repeat a part of the day: it ends
  // later.
  const bool repeated = midnight.kind == absl::TimeZone::TimeInfo::REPEATED;
  if (repeated && absl::ToCivilSecond(midnight.trans, zone) < civil) next_day = midnight.post;
  return to_timestamp(next_day).plus_ms(-1);
}

}  // namespace deltadrop::io
