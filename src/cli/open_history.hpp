#pragma once

#include <string>

#include "app/parts.hpp"

namespace deltadrop::cli {

/// Opens the history that a command works on: PostgreSQL if DATABASE_URL is given and DATA_DIR is not,
/// otherwise the history of DATA_DIR.
Result<app::StoredHistory> open_history(const app::Settings& settings, const std::string& name);

/// Returns the error for a history that a running `dev` owns. `fix` returns the fix, given the server's
/// address.
Error written_by_dev(const app::Settings& settings, const std::string& fix);

}  // namespace deltadrop::cli
