#pragma once

#include <string>

#include "core/result.hpp"

/// What the system allows this process, and what happens when it is not enough.
namespace deltadrop::app {

/// Raises the limit on open files as far as it goes, then checks that a server can work under the limits on
/// open files, the size of files, threads and memory. Fails with unavailable "limit-too-low", which names the
/// limit, its value and what is needed. To be called before anything is opened.
Result<void> check_process_limits();

/// The limits that are set, for a message: "open files 1024 (ulimit -n), ...".
std::string describe_process_limits();

/// Makes an exceeded limit on the size of files and a closed pipe errors of the call, and has an exception
/// that nobody catches end the process with a message and exit code 2.
void set_last_resort() noexcept;

}  // namespace deltadrop::app
