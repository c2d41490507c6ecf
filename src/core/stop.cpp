#include "core/stop.hpp"

#include <algorithm>
#include <utility>

namespace deltadrop {

Stop Stop::on(std::stop_token token, Error why) const {
  Stop more = *this;
  more.reasons_.push_back({std::move(token), Clock::time_point::max(), std::move(why)});
  return more;
}

Stop Stop::after(Clock::time_point deadline, Error why) const {
  Stop more = *this;
  more.reasons_.push_back({{}, deadline, std::move(why)});
  return more;
}

bool Stop::requested() const {
  return std::any_of(reasons_.begin(), reasons_.end(), [](const Reason& reason) { return reason.holds(); });
}

Result<void> Stop::check() const {
  for (const Reason& reason : reasons_) {
    if (reason.holds()) return reason.why;
  }
  return success();
}

}  // namespace deltadrop
