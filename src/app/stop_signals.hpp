#pragma once

#include <condition_variable>
#include <csignal>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

namespace deltadrop::app {

/// Handles SIGTERM and SIGINT. The first signal requests the end of the process and allows ten seconds. After
/// that, or on a second signal, the process ends at once. This loses no data: the effect is that of a crash
/// of the machine. Blocks the signals in this thread and in threads that it starts later.
class StopSignals {
 public:
  StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;
  ~StopSignals();

  /// Waits for a signal, which it logs, or until `ended` returns true. Calls `ended` every 100 ms.
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
