#pragma once

#include "csv/options.hpp"
#include "http/message.hpp"

namespace deltadrop::api {

/// 422 with the faults of a file that was refused: `findings` (the first of them) and `findings_total`.
http::Response findings_problem(const csv::Findings& findings);

}  // namespace deltadrop::api
