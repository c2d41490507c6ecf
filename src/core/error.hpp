#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace deltadrop {

/// What a caller may do about a failure. docs/architecture.md maps these to HTTP statuses and to what the
/// consumer does.
enum class ErrorCode : std::uint8_t {
  invalid_input,  ///< the input is wrong; the same input fails again
  not_found,      ///< the thing named does not exist
  conflict,       ///< the state has moved on or forbids it; re-read, then decide
  unavailable,    ///< something needed is not there now (disk, server); the same call may succeed later
  timed_out,      ///< not finished in time; it may still finish
  in_doubt,       ///< it may or may not have happened; re-read, then decide
  corrupt,        ///< stored bytes are not what was stored
  shutting_down,  ///< refused because the process is stopping
  internal,       ///< a bug of ours
};

std::string_view to_string(ErrorCode code);

/// An expected failure. `message` names the thing, the place and the value; `fix` says what to do.
/// `type` is a stable slug ("repeated-key") that programs may match on; it ends a problem+json `type`.
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
