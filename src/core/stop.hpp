#pragma once

#include <chrono>
#include <stop_token>
#include <vector>

#include "core/result.hpp"

namespace deltadrop {

/// Tells long work to end early: its client has disconnected, its time is over, or the process is stopping. A
/// Stop is a value; copies share the same sources. Once requested, it stays requested. Thread-safe. The work
/// polls it.
class Stop {
 public:
  using Clock = std::chrono::steady_clock;

  /// Never requested.
  Stop() = default;
  /// Returns a Stop that also ends when `token` is requested. `why` is the error that the work then returns.
  [[nodiscard]] Stop on(std::stop_token token, Error why) const;
  /// Returns a Stop that also ends at `deadline`.
  [[nodiscard]] Stop after(Clock::time_point deadline, Error why) const;

  [[nodiscard]] bool requested() const;
  /// Fails with the first reason that holds. Work that may have ended early calls it before anyone uses the
  /// result.
  [[nodiscard]] Result<void> check() const;
  /// Blocks until a stop is requested, but no longer than `until`.
  void wait_until(Clock::time_point until) const;

 private:
  struct Reason {
    std::stop_token token;
    Clock::time_point deadline = Clock::time_point::max();
    Error why;

    [[nodiscard]] bool holds() const {
      return token.stop_requested() || (deadline != Clock::time_point::max() && Clock::now() >= deadline);
    }
  };

  std::vector<Reason> reasons_;
};

}  // namespace deltadrop
