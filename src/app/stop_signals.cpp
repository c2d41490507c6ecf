#include "app/stop_signals.hpp"

#include <poll.h>
#include <signal.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <chrono>
#include <ctime>
#include <string_view>

namespace deltadrop::app {
namespace {

using std::chrono::steady_clock;

constexpr timespec kSlice{0, 100'000'000};
/// Leaves half a second of the ten seconds for the process to exit.
constexpr std::chrono::milliseconds kPatience{9500};
constexpr int kAbandoned = 1;

sigset_t stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  return set;
}

/// Ends the process without locks, buffers or waiting for a reader of standard error.
[[noreturn]] void end_now(std::string_view why, int status) {
  pollfd error{STDERR_FILENO, POLLOUT, 0};
  if (::poll(&error, 1, 0) == 1 && ::write(STDERR_FILENO, why.data(), why.size()) < 0) ::_exit(status);
  ::_exit(status);
}

}  // namespace

StopSignals::StopSignals() {
  const sigset_t set = stop_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  // A disconnected client must cause an error code, not the end of the process.
  ::signal(SIGPIPE, SIG_IGN);
  thread_ = std::jthread([this](const std::stop_token& over) { listen(over); });
}

StopSignals::~StopSignals() = default;

void StopSignals::listen(const std::stop_token& over) {
  const sigset_t set = stop_signals();
  auto end_at = steady_clock::time_point::max();
  while (!over.stop_requested()) {
    const int received = sigtimedwait(&set, nullptr, &kSlice);
    if (received > 0) {
      const std::lock_guard lock(mutex_);
      constexpr int kShellsOffset = 128;
      if (first_) end_now("deltadrop: a second signal: ending at once\n", kShellsOffset + received);
      first_ = received;
      end_at = steady_clock::now() + kPatience;
      changed_.notify_all();
    }
    if (steady_clock::now() >= end_at) {
      end_now("deltadrop: did not end within 10 s of the signal: ending at once; the next start goes on\n",
              kAbandoned);
    }
  }
}

void StopSignals::wait(const std::function<bool()>& ended) {
  constexpr std::chrono::milliseconds kBetween{100};
  std::unique_lock lock(mutex_);
  while (!first_) {
    changed_.wait_for(lock, kBetween);
    if (first_ || !ended) continue;
    lock.unlock();
    const bool done = ended();
    lock.lock();
    if (done) return;
  }
  spdlog::info("stopping on {}", *first_ == SIGTERM ? "SIGTERM" : "SIGINT");
}

bool StopSignals::came() {
  const std::lock_guard lock(mutex_);
  return first_.has_value();
}

}  // namespace deltadrop::app
