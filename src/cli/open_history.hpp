#pragma once

#include <string>

#include "app/parts.hpp"

namespace deltadrop::cli {

/// The history that a command works on: that of DATA_DIR; but PostgreSQL's where DATABASE_URL is given and
/// DATA_DIR is not, whatever the default of DATA_DIR happens to be.
Result<app::StoredHistory> open_history(const app::Settings& settings, const std::string& name);

/// Why a history that `dev` writes cannot be written now; `fix`: what to do, given the server's address.
Error written_by_dev(const app::Settings& settings, const std::string& fix);

}  // namespace deltadrop::cli
