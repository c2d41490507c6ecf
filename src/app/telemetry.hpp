#pragma once

#include <memory>
#include <string>

#include "core/observer.hpp"
#include "status/metrics.hpp"

namespace deltadrop::app {

/// Returns the log line of an upload: `upload result=published request_id=... rows=4...`. It contains ids,
/// counts and times, but no values of cells.
std::string upload_line(const UploadSeen& upload);

/// Returns metrics that also log each upload in one line, and the clock's troubles.
std::unique_ptr<status::Metrics> make_telemetry();

}  // namespace deltadrop::app
