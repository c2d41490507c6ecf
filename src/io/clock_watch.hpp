#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <string>

#include "core/result.hpp"
#include "core/table_ref.hpp"
#include "io/clock.hpp"

namespace deltadrop::io {

/// What one run leaves to the next of what it knows about the clock.
struct ClockMark {
  std::string boot_id;
  std::chrono::milliseconds uptime{0};
  Timestamp expected;              ///< ClockWatch::expected_now() at `uptime`
  bool is_earliest = false;        ///< `expected` is a lower bound: how long the machine was off is unknown
  std::optional<Timestamp> asked;  ///< the last run before a gap that nobody has confirmed
  Timestamp measured;              ///< ClockWatch::measured_now() at `uptime`
  std::chrono::milliseconds agreed_lag{0};

  bool operator==(const ClockMark&) const = default;
};

enum class ClockState : std::uint8_t {
  right,     ///< nothing speaks against the clock
  doubtful,  ///< it jumped, or versions have timestamps after it; uploads go on
  wrong      ///< by more than the limit: uploads are refused until it is right again, or the operator agrees
};

struct ClockReport {
  ClockState state = ClockState::right;
  Timestamp now;
  Timestamp expected;
  std::chrono::milliseconds jump{0};          ///< now - expected; 0 while right
  std::chrono::milliseconds newest_ahead{0};  ///< how far the newest version is after now; 0 if it is not
  /// Names what is wrong and the fix; unavailable "clock-implausible" when wrong.
  std::optional<Error> trouble;
};

/// Compares the wall clock with the time measured since the last look, across runs too, and with the newest
/// timestamp that was given to a version. Within one start of the machine every jump is certain. Between two
/// starts only a clock that went back is: a later one may mean that the machine was off.
/// docs/decisions/0029-a-clock-that-was-wrong.md has the reasons. Thread-safe.
class ClockWatch {
 public:
  /// A difference of at most this much is the ordinary correction of a clock, and is followed silently.
  static constexpr std::chrono::milliseconds kCorrection{60'000};

  /// `last`: what an earlier run kept.
  ClockWatch(Clock& clock, std::chrono::milliseconds jump_max, const std::optional<ClockMark>& last);

  /// A version of this table has this timestamp.
  void saw_version(const TableRef& table, Timestamp timestamp);

  ClockReport look();
  /// The operator agrees: the clock is right as it is.
  void agree();
  /// Fails with unavailable "clock-implausible" while the clock is wrong.
  Result<void> check();

  /// What the clock would show if it had not jumped.
  Timestamp expected_now();
  /// A time that only measured time moves: whatever expires is to count by it alone. It starts as the wall
  /// clock of the first run, and then lags it by all the time in which the machine was off.
  Timestamp measured_now();

  ClockMark mark();

 private:
  void begin(const ClockMark& last);
  ClockReport look_locked();
  [[nodiscard]] Timestamp expected_at(std::chrono::milliseconds uptime) const {
    return reference_.plus_ms((uptime - reference_uptime_).count());
  }
  void follow(Timestamp now, std::chrono::milliseconds uptime);

  Clock& clock_;
  const std::chrono::milliseconds jump_max_;
  const std::string boot_id_;

  std::mutex mutex_;  ///< of all below
  Timestamp reference_;
  std::chrono::milliseconds reference_uptime_{0};
  bool is_earliest_ = false;
  std::optional<Timestamp> asked_;
  Timestamp measured_;  ///< at measured_uptime_
  std::chrono::milliseconds measured_uptime_{0};
  std::chrono::milliseconds agreed_lag_{0};
  std::optional<Timestamp> newest_;  ///< timestamp of any version
  TableRef newest_table_;            ///< that version's
};

/// "40d 2h", "3h 5m", "2m 10s": the two largest units.
std::string rough_duration(std::chrono::milliseconds duration);

}  // namespace deltadrop::io
