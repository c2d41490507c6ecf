#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "eventlog/event_log.hpp"

namespace deltadrop::consume {

/// The state that the consumer's threads share with each other and with callers. Thread-safe.
class Board {
 public:
  struct Notes {
    std::optional<Error> log;
    std::optional<Error> recording;
    std::optional<Error> applying;
    std::optional<Error> lake;
    std::optional<Error> stopped;
    std::vector<std::string> waiting;
    std::optional<std::int64_t> lag;
    std::vector<eventlog::StartPosition> recorded;  ///< up to where each partition is recorded
  };

  /// Changes the notes with `change(notes)`, under the lock.
  template <class Change>
  void note(const Change& change) {
    const std::lock_guard lock(mutex_);
    change(notes_);
    if (notes_.stopped) changed_.notify_all();
  }
  [[nodiscard]] Notes notes() const;

  /// Reports a commit.
  void progressed();
  [[nodiscard]] std::uint64_t progress() const;
  /// Wakes all waiting callers of wait_progress_until, now and in the future.
  void end();

  /// Waits until progress() differs from `seen`, `stop` is requested or `wait_max` has passed.
  void wait_progress(const std::stop_token& stop, std::uint64_t seen, std::chrono::milliseconds wait_max);
  /// Like wait_progress, for callers outside the consumer: waits until the deadline or until the consumer
  /// stops.
  std::uint64_t wait_progress_until(std::uint64_t seen, std::chrono::steady_clock::time_point deadline);
  /// Waits for `wait`. Returns false as soon as `stop` is requested.
  bool pause(const std::stop_token& stop, std::chrono::milliseconds wait);

 private:
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  Notes notes_;
  std::uint64_t progress_ = 0;
  bool ended_ = false;
};

/// Computes the wait before a retry: doubles it each time, up to a maximum.
class Backoff {
 public:
  Backoff(std::chrono::milliseconds min, std::chrono::milliseconds max) : min_(min), max_(max), next_(min) {}
  std::chrono::milliseconds next() {
    const auto now = next_;
    next_ = std::min(next_ * 2, max_);
    return now;
  }
  void reset() { next_ = min_; }

 private:
  std::chrono::milliseconds min_;
  std::chrono::milliseconds max_;
  std::chrono::milliseconds next_;
};

/// Logs a failure as a warning once; while the same failure repeats, logs it at debug level.
class Warning {
 public:
  void about(std::string_view what, const Error& error);
  void over() { said_.clear(); }

 private:
  std::string said_;
};

/// Returns whether the same call may succeed later by itself.
inline bool is_passing(const Error& error) {
  return error.code == ErrorCode::unavailable || error.code == ErrorCode::timed_out ||
         error.code == ErrorCode::in_doubt;
}

}  // namespace deltadrop::consume
