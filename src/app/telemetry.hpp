#pragma once

#include <memory>
#include <string>

#include "core/observer.hpp"
#include "status/metrics.hpp"

namespace deltadrop::app {

/// `upload result=published request_id=... rows=4...`: ids, counts and times of an upload; no value of a
/// cell.
std::string upload_line(const UploadSeen& upload);

/// Counts what the modules report, and logs each upload in one line and what is wrong with the clock.
std::unique_ptr<status::Metrics> make_telemetry();

}  // namespace deltadrop::app
