#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

#include "consume/consumer.hpp"
#include "history/history_reader.hpp"

namespace deltadrop::status {

/// Notifies listeners when uploads are applied. One thread polls the history for all listeners, and only
/// while there are any. A consumer in this process wakes the thread; otherwise it polls every 200 ms.
/// Thread-safe.
class AppliedWatch {
 public:
  using Wake = std::function<void()>;

  /// A registered listener. `wake` is not called after this object is destroyed.
  class Listening {
   public:
    Listening(AppliedWatch& watch, std::uint64_t number) : watch_(watch), number_(number) {}
    ~Listening() { watch_.forget(number_); }
    Listening(const Listening&) = delete;
    Listening& operator=(const Listening&) = delete;

   private:
    AppliedWatch& watch_;
    std::uint64_t number_;
  };

  /// `consumer` is null if none runs in this process. Both arguments outlive this object.
  AppliedWatch(history::HistoryReader& history, consume::Consumer* consumer);
  ~AppliedWatch();
  AppliedWatch(const AppliedWatch&) = delete;
  AppliedWatch& operator=(const AppliedWatch&) = delete;

  /// Calls `wake` after each change of last(), and when the history answers again after a failure. `wake`
  /// must not block.
  std::unique_ptr<Listening> listen(Wake wake);
  /// Returns the number of the last applied upload known here, or 0 before the history first answers.
  [[nodiscard]] AppliedNo last() const;

 private:
  void forget(std::uint64_t number);
  void run();
  bool wait_for_listeners(std::unique_lock<std::mutex>& lock);
  void ask(std::unique_lock<std::mutex>& lock);

  history::HistoryReader& history_;
  consume::Consumer* consumer_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::uint64_t, Wake> listeners_;
  std::uint64_t next_number_ = 0;
  AppliedNo last_{0};
  bool failing_ = false;
  bool ending_ = false;
  std::thread thread_;  ///< last member: uses the others
};

}  // namespace deltadrop::status
