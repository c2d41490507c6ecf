#pragma once

#include <atomic>
#include <chrono>
#include <string>

#include "core/ids.hpp"
#include "core/timestamp.hpp"

namespace deltadrop::io {

/// The source of the time. Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  /// The wall clock. Anyone may set it to any time at any moment.
  virtual Timestamp now() = 0;
  /// The time since the machine booted, including sleep. Setting the wall clock does not affect it.
  virtual std::chrono::milliseconds uptime() = 0;
  /// Identifies the boot from which `uptime` counts; "" if the system does not report it.
  virtual std::string boot_id() = 0;
  /// Returns whether the system synchronises the wall clock with another clock (NTP).
  virtual bool is_synchronised() = 0;
};

class SystemClock final : public Clock {
 public:
  Timestamp now() override;
  std::chrono::milliseconds uptime() override;
  std::string boot_id() override;
  bool is_synchronised() override;
};

/// A clock that only its setters move. For tests and for reproducible demo output.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(Timestamp start) : unix_ms_(start.unix_ms) {}
  Timestamp now() override { return Timestamp{unix_ms_.load()}; }
  std::chrono::milliseconds uptime() override { return std::chrono::milliseconds(uptime_ms_.load()); }
  std::string boot_id() override { return "boot " + std::to_string(boots_.load()); }
  bool is_synchronised() override { return synchronised_; }

  /// Lets time pass: moves the wall clock and the uptime.
  void advance_ms(std::int64_t ms) {
    unix_ms_ += ms;
    uptime_ms_ += ms;
  }
  /// Sets the wall clock only.
  void set(Timestamp t) { unix_ms_ = t.unix_ms; }
  void jump_ms(std::int64_t ms) { unix_ms_ += ms; }
  /// Simulates a reboot.
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

/// Returns a UUIDv7 (RFC 9562, section 5.7) of `now` and 74 random bits from the kernel.
UploadId new_upload_id(Timestamp now);

}  // namespace deltadrop::io
