#pragma once

#include <string_view>

namespace deltadrop::app {

/// Logs go to standard error from here on: "2025-03-10T12:34:56.789Z info message". `level`: debug, info,
/// warn, error.
void start_logging(std::string_view level);

}  // namespace deltadrop::app
