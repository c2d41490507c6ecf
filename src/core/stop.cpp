#include "core/stop.hpp"

#include <algorithm>
#include <condition_variable>
#include <functional>
#include <list>
#include <mutex>
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

void Stop::wait_until(Clock::time_point until) const {
  std::mutex mutex;
  std::condition_variable changed;
  bool stopped = false;
  const auto stop = [&] {
    const std::lock_guard lock(mutex);
    stopped = true;
    changed.notify_all();
  };
  std::list<std::stop_callback<std::function<void()>>> callbacks;
  for (const Reason& reason : reasons_) {
    callbacks.emplace_back(reason.token, stop);
    until = std::min(until, reason.deadline);
  }
  std::unique_lock lock(mutex);
  changed.wait_until(lock, until, [&] { return stopped; });
  lock.unlock();  // a running callback must end before it is destroyed, and it needs the mutex
}

}  // namespace deltadrop
