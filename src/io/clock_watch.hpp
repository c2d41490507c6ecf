#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <string>

#include "core/result.hpp"
#include "core/table_ref.hpp"
#include "io/clock.hpp"

namespace deltadrop::io {

/// The knowledge about the clock that one run stores for the next.
struct ClockMark {
  std::string boot_id;
  std::chrono::milliseconds uptime{0};
  Timestamp expected;              ///< ClockWatch::expected_now() at `uptime`
  bool is_earliest = false;        ///< `expected` is a lower bound because the time off is unknown
  std::optional<Timestamp> asked;  ///< the end of the last run before an unconfirmed gap
  Timestamp measured;              ///< ClockWatch::measured_now() at `uptime`
  std::chrono::milliseconds agreed_lag{0};

  bool operator==(const ClockMark&) const = default;
};

enum class ClockState : std::uint8_t {
  right,     ///< no evidence contradicts the clock
  doubtful,  ///< it jumped, or a version has a later timestamp; uploads continue
  wrong      ///< off by more than the limit; uploads fail until the clock is corrected or confirmed
};

struct ClockReport {
  ClockState state = ClockState::right;
  Timestamp now;
  Timestamp expected;
  std::chrono::milliseconds jump{0};          ///< now - expected; 0 while `right`
  std::chrono::milliseconds newest_ahead{0};  ///< how far the newest version is ahead of now, at least 0
  /// Describes the problem and the fix. When wrong, unavailable, type "clock-implausible".
  std::optional<Error> trouble;
};

/// Compares the wall clock with the time measured since the last look, also across runs, and with the newest
/// timestamp of a version. Within one boot, every jump is certain. Across boots, only a jump back is certain:
/// a later time may mean that the machine was off. docs/decisions/0029-a-clock-that-was-wrong.md gives the
/// reasons. Thread-safe.
class ClockWatch {
 public:
  /// The largest difference that counts as an ordinary correction. The watch accepts it silently.
  static constexpr std::chrono::milliseconds kCorrection{60'000};

  /// `last` is the mark that an earlier run stored.
  ClockWatch(Clock& clock, std::chrono::milliseconds jump_max, const std::optional<ClockMark>& last);

  /// Records the timestamp of a version.
  void saw_version(const TableRef& table, Timestamp timestamp);

  ClockReport look();
  /// The operator confirms that the clock is right.
  void agree();
  /// Fails with unavailable, type "clock-implausible", while the clock is wrong.
  Result<void> check();

  /// The time that the clock would show if it had not jumped.
  Timestamp expected_now();
  /// A time that only measured time advances. Expiry uses it alone. It starts as the wall clock of the first
  /// run and then lags by the total time for which the machine was off.
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

  std::mutex mutex_;  ///< protects the members below
  Timestamp reference_;
  std::chrono::milliseconds reference_uptime_{0};
  bool is_earliest_ = false;
  std::optional<Timestamp> asked_;
  Timestamp measured_;  ///< at measured_uptime_
  std::chrono::milliseconds measured_uptime_{0};
  std::chrono::milliseconds agreed_lag_{0};
  std::optional<Timestamp> newest_;  ///< the newest timestamp of any version
  TableRef newest_table_;            ///< the table of that version
};

/// Formats the two largest units: "40d 2h", "3h 5m", "2m 10s".
std::string rough_duration(std::chrono::milliseconds duration);

}  // namespace deltadrop::io
