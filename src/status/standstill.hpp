#pragma once

#include <optional>
#include <string>
#include <utility>

#include "core/timestamp.hpp"

namespace deltadrop::status {

/// Tells when something that should move has not moved for a minute, as far as it was looked at.
class Standstill {
 public:
  static constexpr std::int64_t kAfterMs = 60'000;

  /// `position` changes with every step forward; it is absent while nothing is waiting to move. True from a
  /// minute after the first look that saw the same position.
  bool look(std::optional<std::string> position, Timestamp now) {
    // A clock that was set back begins a new minute: it tells nothing about the time that has passed.
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
