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

/// What the consumer's threads tell each other and the outside. Thread-safe.
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
    std::vector<eventlog::StartPosition> recorded;  ///< up to where each partition of this reader is recorded
  };

  /// Changes the notes: `change(notes)`.
  template <class Change>
  void note(const Change& change) {
    const std::lock_guard lock(mutex_);
    change(notes_);
    if (notes_.stopped) changed_.notify_all();
  }
  [[nodiscard]] Notes notes() const;

  /// A commit was made.
  void progressed();
  [[nodiscard]] std::uint64_t progress() const;
  /// Wakes everybody, for good.
  void end();

  /// Waits until progress() differs from `seen`, `stop`, or `wait_max`.
  void wait_progress(const std::stop_token& stop, std::uint64_t seen, std::chrono::milliseconds wait_max);
  /// The same for outsiders: until a deadline, or the consumer has stopped.
  std::uint64_t wait_progress_until(std::uint64_t seen, std::chrono::steady_clock::time_point deadline);
  /// Waits for this long; false as soon as `stop` is requested.
  bool pause(const std::stop_token& stop, std::chrono::milliseconds wait);

 private:
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  Notes notes_;
  std::uint64_t progress_ = 0;
  bool ended_ = false;
};

/// How long to wait before what failed is tried again: doubled each time, up to a bound.
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

/// Warns of what fails once, not each time it is tried again.
class Warning {
 public:
  void about(std::string_view what, const Error& error);
  void over() { said_.clear(); }

 private:
  std::string said_;
};

/// Whether the same call may succeed later without anybody doing anything about it.
inline bool is_passing(const Error& error) {
  return error.code == ErrorCode::unavailable || error.code == ErrorCode::timed_out ||
         error.code == ErrorCode::in_doubt;
}

}  // namespace deltadrop::consume
