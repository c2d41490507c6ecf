#pragma once

#include <string>

#include "core/result.hpp"

/// Resource limits of this process, and the handling of exceeded limits.
namespace deltadrop::app {

/// Raises the limit on open files to its maximum. Then checks that the limits on open files, file size,
/// threads and memory are sufficient for a server. Fails with unavailable "limit-too-low", which names the
/// limit, its value and the required value. Must be called before anything is opened.
Result<void> check_process_limits();

/// Returns the limits that are set, for a message: "open files 1024 (ulimit -n), ...".
std::string describe_process_limits();

/// Turns an exceeded file size limit and a closed pipe into errors of the system call. Makes an uncaught
/// exception end the process with a message and exit code 2.
void set_last_resort() noexcept;

}  // namespace deltadrop::app
