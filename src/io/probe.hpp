#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

namespace deltadrop::io {

/// Calls a function that may hang, such as a query of a frozen database, on its own thread. A caller waits
/// for a bounded time, and not at all while an earlier call is known to hang. Thread-safe.
template <class Answer>
class Probe {
 public:
  using Clock = std::chrono::steady_clock;
  using Question = std::function<Answer()>;  ///< must not throw

  struct Seen {
    std::optional<Answer> answer;                     ///< the last result, unless it is older than age_max
    std::optional<Clock::duration> unanswered_since;  ///< how long the running call has taken
  };

  /// A call that takes longer than `patience` hangs.
  Probe(Clock::duration patience, Clock::duration age_max)
      : patience_(patience), age_max_(age_max), thread_([this] { run(); }) {}
  Probe(const Probe&) = delete;
  Probe& operator=(const Probe&) = delete;
  /// Waits for the running call.
  ~Probe() {
    {
      const std::lock_guard lock(mutex_);
      ending_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }

  /// Starts a call and returns the number of its result, for `look`. The result of a call that already runs
  /// does not count.
  std::uint64_t ask(Question question) {
    const std::lock_guard lock(mutex_);
    question_ = std::move(question);
    changed_.notify_all();
    return answers_ + (begun_at_ ? 2 : 1);
  }

  /// Waits up to `patience` for the result of that number.
  Seen look(std::uint64_t number) {
    std::unique_lock lock(mutex_);
    if (!hangs()) {
      changed_.wait_until(lock, Clock::now() + patience_, [&] { return ending_ || answers_ >= number; });
    }
    Seen seen;
    const auto now = Clock::now();
    if (answers_ < number) seen.unanswered_since = now - begun_at_.value_or(now);
    if (answer_ && (!seen.unanswered_since || now - answered_at_ <= age_max_)) seen.answer = answer_;
    return seen;
  }

  Seen look(Question question) { return look(ask(std::move(question))); }

 private:
  [[nodiscard]] bool hangs() const { return begun_at_ && Clock::now() - *begun_at_ >= patience_; }

  void run() {
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [this] { return ending_ || question_ != nullptr; });
      if (ending_) return;
      const auto question = std::exchange(question_, nullptr);
      begun_at_ = Clock::now();
      lock.unlock();
      auto answer = question();
      lock.lock();
      answer_ = std::move(answer);
      answered_at_ = Clock::now();
      begun_at_.reset();
      ++answers_;
      changed_.notify_all();
    }
  }

  const Clock::duration patience_;
  const Clock::duration age_max_;
  std::mutex mutex_;
  std::condition_variable changed_;
  Question question_;  ///< the next one
  std::optional<Clock::time_point> begun_at_;
  std::optional<Answer> answer_;
  Clock::time_point answered_at_;
  std::uint64_t answers_ = 0;
  bool ending_ = false;
  std::thread thread_;  ///< last, because it uses the other members
};

}  // namespace deltadrop::io
