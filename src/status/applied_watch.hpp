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

/// Tells those who listen that uploads were applied: one thread asks the history for all of them, only while
/// somebody listens. Where the consumer runs in this process it is woken by that; else it asks every 200 ms.
/// Thread-safe.
class AppliedWatch {
 public:
  using Wake = std::function<void()>;

  /// Ends the listening when it goes; after that `wake` is not called.
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

  /// `consumer` is null where none runs in this process. Both outlive this.
  AppliedWatch(history::HistoryReader& history, consume::Consumer* consumer);
  ~AppliedWatch();
  AppliedWatch(const AppliedWatch&) = delete;
  AppliedWatch& operator=(const AppliedWatch&) = delete;

  /// Calls `wake`, which must not wait, after each change of last(), and when the history answers again.
  std::unique_ptr<Listening> listen(Wake wake);
  /// The upload that was applied last, as far as is known here; 0 until the first question is answered.
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
  std::thread thread_;  ///< last: it uses the others
};

}  // namespace deltadrop::status
