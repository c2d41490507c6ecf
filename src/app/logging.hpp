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

/// Logs go to standard error from here on, one line each, control characters escaped.
/// Nobody who logs waits for standard error: see LogOutput.
void start_logging(const LogOptions& options);

/// Waits until what was logged is written; a second at most, where standard error takes nothing. Before the
/// process ends, or writes to standard error itself.
void finish_logging();

/// A message without what could end its line or move a terminal's cursor: control characters as \xNN, bytes
/// that are not UTF-8 too.
std::string as_one_line(std::string_view message);

/// {"time", "level", "message"} and a line end. A message of the form `word name=value name="value"...` is
/// taken apart: its word becomes "event" and each name a member (numbers as numbers).
std::string as_json_line(std::string_view time, std::string_view level, std::string_view message);

}  // namespace deltadrop::app
