#pragma once

#include "core/error.hpp"

namespace deltadrop::cli {

/// Returns whether standard output is a pipe without a reader, as in `deltadrop events | head`.
bool output_is_closed();

/// Returns unavailable "output-failed": standard output cannot be written.
Error output_failed();

/// Returns whether `error` is an output_failed caused by a closed pipe. The user who closed the pipe needs no
/// message; main() sets the exit code.
bool need_not_be_reported(const Error& error);

}  // namespace deltadrop::cli
