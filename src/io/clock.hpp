#pragma once

#include <atomic>

#include "core/ids.hpp"
#include "core/timestamp.hpp"

namespace deltadrop::io {

/// Where the time comes from. Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Timestamp now() = 0;
};

class SystemClock final : public Clock {
 public:
  Timestamp now() override;
};

/// Stands still until told. For tests, and for the demo's reproducible output.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(Timestamp start) : unix_ms_(start.unix_ms) {}
  Timestamp now() override { return Timestamp{unix_ms_.load()}; }
  void advance_ms(std::int64_t ms) { unix_ms_ += ms; }
  void set(Timestamp t) { unix_ms_ = t.unix_ms; }

 private:
  std::atomic<std::int64_t> unix_ms_;
};

/// A UUIDv7 (RFC 9562 section 5.7) of `now` and 74 random bits from the system.
UploadId new_upload_id(Timestamp now);

}  // namespace deltadrop::io
