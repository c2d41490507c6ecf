#pragma once

#include "core/error.hpp"

namespace deltadrop::cli {

/// Whether standard output is a pipe that nobody reads any more, as in `deltadrop events | head`.
bool output_is_closed();

/// unavailable, type "output-failed": standard output cannot be written.
Error output_failed();

/// Whether `error` is an output_failed because output_is_closed(). Whoever closed the pipe does not want to
/// read about it; main() sets the exit code.
bool need_not_be_reported(const Error& error);

}  // namespace deltadrop::cli
