#pragma once

#include <condition_variable>
#include <csignal>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

namespace deltadrop::app {

/// The end of a process on SIGTERM or SIGINT: the first asks it to end, and gives it ten seconds for that;
/// then, or on the second, it ends at once, whatever it is doing. That loses nothing: it is as if its machine
/// had stopped. Blocks the signals in this thread and in those it starts later.
class StopSignals {
 public:
  StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;
  ~StopSignals();

  /// Returns when one came, or `ended` is true, which is asked every 100 ms; logs which.
  void wait(const std::function<bool()>& ended = {});
  [[nodiscard]] bool came();

 private:
  void listen(const std::stop_token& over);

  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<int> first_;
  std::jthread thread_;
};

}  // namespace deltadrop::app
