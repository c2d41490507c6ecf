#pragma once

#include <csignal>
#include <functional>

namespace deltadrop::app {

/// Blocks SIGTERM and SIGINT in this thread and those it starts later, so that `wait` gets them.
class StopSignals {
 public:
  StopSignals();
  /// Returns when one came, or `ended` is true, which is asked every 100 ms; logs which.
  void wait(const std::function<bool()>& ended = {});

 private:
  sigset_t set_{};
};

}  // namespace deltadrop::app
