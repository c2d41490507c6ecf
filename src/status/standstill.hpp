#pragma once

#include <optional>
#include <string>
#include <utility>

#include "core/timestamp.hpp"

namespace deltadrop::status {

/// Detects that something has made no progress for a minute.
class Standstill {
 public:
  static constexpr std::int64_t kAfterMs = 60'000;

  /// Records the current position. `position` changes with every step and is absent if nothing waits. Returns
  /// true if at least a minute has passed since the first call that saw this position.
  bool look(std::optional<std::string> position, Timestamp now) {
    // If the clock is set back, the elapsed time is unknown, so the minute starts again.
    if (!position || position != position_ || now < since_) {
      since_ = now;
      position_ = std::move(position);
    }
    return position_ && now.unix_ms - since_.unix_ms >= kAfterMs;
  }

 private:
  std::optional<std::string> position_;
  Timestamp since_{};
};

}  // namespace deltadrop::status
