#pragma once

#include <atomic>
#include <chrono>
#include <string>

#include "core/ids.hpp"
#include "core/timestamp.hpp"

namespace deltadrop::io {

/// Where the time comes from. Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  /// The wall clock, which may be set to anything at any time.
  virtual Timestamp now() = 0;
  /// Time measured since the machine started, sleep included. No change of the wall clock affects it.
  virtual std::chrono::milliseconds uptime() = 0;
  /// Names the start of the machine that `uptime` counts from; "" if the system does not tell.
  virtual std::string boot_id() = 0;
  /// Whether the system keeps the wall clock in step with another clock (NTP).
  virtual bool is_synchronised() = 0;
};

class SystemClock final : public Clock {
 public:
  Timestamp now() override;
  std::chrono::milliseconds uptime() override;
  std::string boot_id() override;
  bool is_synchronised() override;
};

/// Stands still until told. For tests, and for the demo's reproducible output.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(Timestamp start) : unix_ms_(start.unix_ms) {}
  Timestamp now() override { return Timestamp{unix_ms_.load()}; }
  std::chrono::milliseconds uptime() override { return std::chrono::milliseconds(uptime_ms_.load()); }
  std::string boot_id() override { return "boot " + std::to_string(boots_.load()); }
  bool is_synchronised() override { return synchronised_; }

  /// Time passes.
  void advance_ms(std::int64_t ms) {
    unix_ms_ += ms;
    uptime_ms_ += ms;
  }
  /// Somebody sets the wall clock.
  void set(Timestamp t) { unix_ms_ = t.unix_ms; }
  void jump_ms(std::int64_t ms) { unix_ms_ += ms; }
  /// The machine starts again.
  void reboot() {
    ++boots_;
    uptime_ms_ = 0;
  }
  void set_synchronised(bool synchronised) { synchronised_ = synchronised; }

 private:
  std::atomic<std::int64_t> unix_ms_;
  std::atomic<std::int64_t> uptime_ms_{3'600'000};
  std::atomic<int> boots_{1};
  std::atomic<bool> synchronised_{false};
};

/// A UUIDv7 (RFC 9562 section 5.7) of `now` and 74 random bits from the system.
UploadId new_upload_id(Timestamp now);

}  // namespace deltadrop::io
