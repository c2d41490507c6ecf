#include "status/applied_watch.hpp"

#include <chrono>
#include <utility>

namespace deltadrop::status {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::milliseconds kPause{200};
constexpr std::chrono::milliseconds kPauseWhileFailing{1'000};

}  // namespace

AppliedWatch::AppliedWatch(history::HistoryReader& history, consume::Consumer* consumer)
    : history_(history), consumer_(consumer), thread_([this] { run(); }) {}

AppliedWatch::~AppliedWatch() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    changed_.notify_all();
  }
  thread_.join();
}

std::unique_ptr<AppliedWatch::Listening> AppliedWatch::listen(Wake wake) {
  const std::lock_guard lock(mutex_);
  const auto number = next_number_++;
  listeners_.emplace(number, std::move(wake));
  changed_.notify_all();
  return std::make_unique<Listening>(*this, number);
}

AppliedNo AppliedWatch::last() const {
  const std::lock_guard lock(mutex_);
  return last_;
}

void AppliedWatch::forget(std::uint64_t number) {
  const std::lock_guard lock(mutex_);
  listeners_.erase(number);
}

bool AppliedWatch::wait_for_listeners(std::unique_lock<std::mutex>& lock) {
  changed_.wait(lock, [this] { return ending_ || !listeners_.empty(); });
  return !ending_;
}

/// Queries the history once, without the lock, and wakes all listeners if the answer is new.
void AppliedWatch::ask(std::unique_lock<std::mutex>& lock) {
  lock.unlock();
  const auto answer = history_.last_applied();
  lock.lock();
  const bool failed = answer.has_error();
  const bool news = !failed && (failing_ || answer.value() != last_);
  if (!failed) last_ = answer.value();
  failing_ = failed;
  if (!news) return;
  for (const auto& [number, wake] : listeners_) wake();
}

void AppliedWatch::run() {
  std::unique_lock lock(mutex_);
  while (wait_for_listeners(lock)) {
    const auto seen = consumer_ == nullptr ? 0 : consumer_->progress();
    ask(lock);
    const auto deadline = steady_clock::now() + (failing_ ? kPauseWhileFailing : kPause);
    bool moved = false;
    if (consumer_ != nullptr && !failing_ && !ending_) {
      lock.unlock();
      moved = consumer_->wait_for_progress(seen, deadline) != seen;
      lock.lock();
    }
    // wait_for_progress returns at once if the consumer has stopped.
    if (!moved) changed_.wait_until(lock, deadline, [this] { return ending_; });
  }
}

}  // namespace deltadrop::status
