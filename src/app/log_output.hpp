#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace deltadrop::app {

/// Lines on their way to a descriptor, written by a thread of their own: whoever logs never waits for a pipe
/// that nobody reads, or for a disk. A bounded number of bytes waits in memory; further lines are dropped and
/// counted, and the count is written once the output takes lines again. Thread-safe.
class LogOutput {
 public:
  struct Options {
    int descriptor = 2;
    std::size_t waiting_bytes_max = std::size_t{4} << 20;
    std::function<std::string(std::uint64_t lines)> dropped_line;  ///< tells how many lines are missing here
  };

  explicit LogOutput(Options options);
  LogOutput(const LogOutput&) = delete;
  LogOutput& operator=(const LogOutput&) = delete;
  /// Leaves behind what the output does not take.
  ~LogOutput();

  /// `line` with its end.
  void write(std::string line);
  /// Waits until everything is written, at most for `patience`; false: the output does not take it.
  bool flush(std::chrono::milliseconds patience);

 private:
  struct State;
  std::shared_ptr<State> state_;  ///< the thread's too: one that hangs in a write is left behind
};

}  // namespace deltadrop::app
