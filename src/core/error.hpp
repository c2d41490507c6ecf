#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace deltadrop {

/// Tells the caller how to react to a failure. docs/architecture.md maps each code to an HTTP status and to
/// the consumer's reaction.
enum class ErrorCode : std::uint8_t {
  invalid_input,  ///< the input is wrong; the same input fails again
  not_found,      ///< the named thing does not exist
  conflict,       ///< the state has changed or forbids the call; re-read, then decide
  unavailable,    ///< a disk or a server is unavailable; the same call may succeed later
  timed_out,      ///< it did not finish in time; it may still finish
  in_doubt,       ///< it may or may not have happened; re-read, then decide
  corrupt,        ///< the stored bytes differ from the written ones
  shutting_down,  ///< rejected because the process is stopping
  internal,       ///< a bug in Deltadrop
};

std::string_view to_string(ErrorCode code);

/// An expected failure. `message` names the thing, the place and the value; `fix` says what to do. `type` is
/// a stable slug ("repeated-key") that programs may match on; it is the last part of the `type` of a
/// problem+json.
struct Error {
  ErrorCode code = ErrorCode::internal;
  std::string type;
  std::string message;
  std::string fix;

  /// "message; fix" for a log line or a terminal.
  [[nodiscard]] std::string text() const { return fix.empty() ? message : message + "; " + fix; }
  bool operator==(const Error&) const = default;
};

}  // namespace deltadrop
