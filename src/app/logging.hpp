#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace deltadrop::app {

enum class LogLevel : std::uint8_t { debug, info, warn, error };
enum class LogFormat : std::uint8_t {
  text,  ///< "2025-03-10T12:34:56.789Z info message"
  json   ///< as_json_line
};
struct LogOptions {
  LogLevel level = LogLevel::info;
  LogFormat format = LogFormat::text;
};

/// Sends logs to standard error, one line each, with control characters escaped. Callers never wait for
/// standard error: see LogOutput.
void start_logging(const LogOptions& options);

/// Waits until all logs are written, at most a second. Must be called before the process ends or writes to
/// standard error directly.
void finish_logging();

/// Returns the message with control characters and invalid UTF-8 bytes as \xNN, so that it can neither end
/// its line nor control a terminal.
std::string as_one_line(std::string_view message);

/// Returns {"time", "level", "message"} and a line end. A message of the form `word name=value
/// name="value"...` is split: its word becomes "event" and each name a member. Numbers become JSON numbers.
std::string as_json_line(std::string_view time, std::string_view level, std::string_view message);

}  // namespace deltadrop::app
