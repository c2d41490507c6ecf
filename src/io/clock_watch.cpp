#include "io/clock_watch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace deltadrop::io {
namespace {

using std::chrono::milliseconds;

constexpr auto kFix = "correct the clock; if it is already correct, confirm it with `deltadrop clock accept`";

milliseconds size_of(milliseconds difference) {
  return difference < milliseconds(0) ? -difference : difference;
}

Error clock_error(std::string message) {
  return {ErrorCode::unavailable, "clock-implausible", std::move(message), kFix};
}

std::string jumped(const ClockReport& report) {
  return fmt::format("the clock shows {} but should show about {}: it jumped {} by {}",
                     report.now.to_string(), report.expected.to_string(),
                     report.jump.count() > 0 ? "ahead" : "back", rough_duration(size_of(report.jump)));
}

std::string went_back(const ClockReport& report) {
  return fmt::format("the clock shows {}, {} before {}, the time when a server last ran here",
                     report.now.to_string(), rough_duration(size_of(report.jump)),
                     report.expected.to_string());
}

std::string versions_ahead(const ClockReport& report, const TableRef& table) {
  return fmt::format(
      "the clock shows {}, but the newest version of {} has the timestamp {}, which is {} later: "
      "the clock was ahead then, or it lags now",
      report.now.to_string(), table.to_string(), report.now.plus_ms(report.newest_ahead.count()).to_string(),
      rough_duration(report.newest_ahead));
}

}  // namespace

std::string rough_duration(milliseconds duration) {
  constexpr auto kUnits = std::to_array<std::pair<std::int64_t, char>>(
      {{86'400'000, 'd'}, {3'600'000, 'h'}, {60'000, 'm'}, {1'000, 's'}});
  std::int64_t rest = duration.count();
  for (std::size_t i = 0; i + 1 < kUnits.size(); ++i) {
    const auto [unit_ms, unit] = kUnits[i];
    if (rest < unit_ms) continue;
    const auto [next_ms, next] = kUnits[i + 1];
    return fmt::format("{}{} {}{}", rest / unit_ms, unit, rest % unit_ms / next_ms, next);
  }
  return fmt::format("{}s", rest / 1000);
}

ClockWatch::ClockWatch(Clock& clock, milliseconds jump_max, const std::optional<ClockMark>& last)
    : clock_(clock), jump_max_(jump_max), boot_id_(clock.boot_id()) {
  follow(clock_.now(), clock_.uptime());
  measured_ = reference_;
  measured_uptime_ = reference_uptime_;
  if (last) begin(*last);
}

void ClockWatch::begin(const ClockMark& last) {
  const Timestamp now = reference_;
  const milliseconds uptime = reference_uptime_;
  agreed_lag_ = last.agreed_lag;
  asked_ = last.asked;
  // A catalog from before clock watching stores wall-clock times, which may have been ahead.
  measured_ = last.boot_id.empty() ? std::min(last.measured, now) : last.measured;
  const bool same_boot = !boot_id_.empty() && boot_id_ == last.boot_id && uptime >= last.uptime;
  if (same_boot) {
    measured_uptime_ = last.uptime;
    reference_ = last.expected;
    reference_uptime_ = last.uptime;
    is_earliest_ = last.is_earliest;
    return;
  }
  // Nothing measured how long the machine was off, or where DATA_DIR was meanwhile. An unconfirmed time of an
  // earlier run is not evidence against this clock.
  const Timestamp earliest = last.asked.value_or(last.expected);
  asked_.reset();
  if (now < earliest) {
    reference_ = earliest;
    is_earliest_ = true;
  } else if (milliseconds(now.unix_ms - earliest.unix_ms) > jump_max_) {
    asked_ = earliest;
  }
}

void ClockWatch::follow(Timestamp now, milliseconds uptime) {
  reference_ = now;
  reference_uptime_ = uptime;
  is_earliest_ = false;
}

void ClockWatch::saw_version(const TableRef& table, Timestamp timestamp) {
  const std::lock_guard lock(mutex_);
  if (newest_ && *newest_ >= timestamp) return;
  newest_ = timestamp;
  newest_table_ = table;
}

ClockReport ClockWatch::look() {
  const std::lock_guard lock(mutex_);
  return look_locked();
}

ClockReport ClockWatch::look_locked() {
  ClockReport report;
  const milliseconds uptime = clock_.uptime();
  report.now = clock_.now();
  report.expected = expected_at(uptime);
  const milliseconds jump(report.now.unix_ms - report.expected.unix_ms);
  const bool caught_up = is_earliest_ && jump >= milliseconds(0);
  if (size_of(jump) <= kCorrection || caught_up) {
    // Until the clock reaches the lower bound, keep the bound: catching up with it is not a jump.
    if (!is_earliest_ || caught_up) follow(report.now, uptime);
    report.expected = report.now;
  } else {
    report.jump = jump;
    report.state = size_of(jump) > jump_max_ ? ClockState::wrong : ClockState::doubtful;
    report.trouble = clock_error(is_earliest_ ? went_back(report) : jumped(report));
  }
  const milliseconds ahead(newest_ ? newest_->unix_ms - report.now.unix_ms : 0);
  report.newest_ahead = std::max(ahead, milliseconds(0));
  if (report.state != ClockState::wrong && ahead > agreed_lag_ + kCorrection) {
    const bool wrong = ahead > agreed_lag_ + jump_max_;
    if (wrong || !report.trouble) report.trouble = clock_error(versions_ahead(report, newest_table_));
    report.state = wrong ? ClockState::wrong : ClockState::doubtful;
  }
  if (asked_ && clock_.is_synchronised()) asked_.reset();
  if (asked_ && !report.trouble) {
    report.state = ClockState::doubtful;
    report.trouble = clock_error(fmt::format(
        "the clock shows {}, but a server last ran here at {}: the machine was off for {}, or the "
        "clock is wrong",
        report.now.to_string(), asked_->to_string(),
        rough_duration(milliseconds(report.now.unix_ms - asked_->unix_ms))));
  }
  return report;
}

void ClockWatch::agree() {
  const std::lock_guard lock(mutex_);
  const Timestamp now = clock_.now();
  follow(now, clock_.uptime());
  asked_.reset();
  agreed_lag_ =
      newest_ ? std::max(milliseconds(newest_->unix_ms - now.unix_ms), milliseconds(0)) : milliseconds(0);
}

Result<void> ClockWatch::check() {
  auto report = look();
  if (report.state == ClockState::wrong) return std::move(*report.trouble);
  return success();
}

Timestamp ClockWatch::expected_now() {
  const std::lock_guard lock(mutex_);
  return look_locked().expected;
}

Timestamp ClockWatch::measured_now() {
  const std::lock_guard lock(mutex_);
  return measured_.plus_ms((clock_.uptime() - measured_uptime_).count());
}

ClockMark ClockWatch::mark() {
  const std::lock_guard lock(mutex_);
  const milliseconds uptime = clock_.uptime();
  return {boot_id_,     uptime, expected_at(uptime),
          is_earliest_, asked_, measured_.plus_ms((uptime - measured_uptime_).count()),
          agreed_lag_};
}

}  // namespace deltadrop::io
