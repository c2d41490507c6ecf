#include "app/stop_signals.hpp"

#include <signal.h>
#include <spdlog/spdlog.h>

#include <ctime>

namespace deltadrop::app {
namespace {

constexpr timespec kSlice{0, 100'000'000};

}  // namespace

StopSignals::StopSignals() {
  sigemptyset(&set_);
  sigaddset(&set_, SIGTERM);
  sigaddset(&set_, SIGINT);
  pthread_sigmask(SIG_BLOCK, &set_, nullptr);
  // A client that goes away while it is answered is an error code, not the end of the process.
  ::signal(SIGPIPE, SIG_IGN);
}

void StopSignals::wait(const std::function<bool()>& ended) {
  while (!ended || !ended()) {
    const int received = sigtimedwait(&set_, nullptr, &kSlice);
    if (received < 0) continue;
    spdlog::info("stopping on {}", received == SIGTERM ? "SIGTERM" : "SIGINT");
    return;
  }
}

}  // namespace deltadrop::app
