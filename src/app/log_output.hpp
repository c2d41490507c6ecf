#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace deltadrop::app {

/// Writes log lines to a descriptor on a thread of its own, so that callers never wait for an unread pipe or
/// a disk. Buffers a limited number of bytes. Drops and counts further lines; when the output accepts data
/// again, writes the count. Thread-safe.
class LogOutput {
 public:
  struct Options {
    int descriptor = 2;
    std::size_t waiting_bytes_max = std::size_t{4} << 20;
    std::function<std::string(std::uint64_t lines)> dropped_line;  ///< reports dropped lines
  };

  explicit LogOutput(Options options);
  LogOutput(const LogOutput&) = delete;
  LogOutput& operator=(const LogOutput&) = delete;
  /// Discards the lines that the output does not accept.
  ~LogOutput();

  /// Adds a line, which must include its line end.
  void write(std::string line);
  /// Waits until everything is written, at most for `patience`. Returns false on timeout.
  bool flush(std::chrono::milliseconds patience);

 private:
  struct State;
  std::shared_ptr<State> state_;  ///< shared with the thread, which may outlive this
};

}  // namespace deltadrop::app
