#pragma once

#include <chrono>
#include <stop_token>
#include <vector>

#include "core/result.hpp"

namespace deltadrop {

/// Tells long work to end before it is done: its client has gone, its time is over, the process ends. A
/// value: copies see the same. Once it is requested it stays so. Thread-safe; the work asks every so often,
/// and gives up.
class Stop {
 public:
  using Clock = std::chrono::steady_clock;

  /// Never requested.
  Stop() = default;
  /// This one, or when `token` is requested; `why` is what the work then fails with.
  [[nodiscard]] Stop on(std::stop_token token, Error why) const;
  /// This one, or at `deadline`.
  [[nodiscard]] Stop after(Clock::time_point deadline, Error why) const;

  [[nodiscard]] bool requested() const;
  /// Fails with the first reason that holds. Work that may have been cut short calls it before its result is
  /// used.
  [[nodiscard]] Result<void> check() const;
  /// Waits until it is requested, at most until `until`.
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
