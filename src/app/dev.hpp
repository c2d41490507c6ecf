#pragma once

#include "app/settings.hpp"
#include "core/result.hpp"

namespace deltadrop::app {

/// `deltadrop dev`: the API, the consumer, the embedded log and the embedded history in one process, until
/// SIGTERM or SIGINT. Returns when everything is flushed, committed and closed.
Result<void> run_dev(const Settings& settings);

}  // namespace deltadrop::app
