#pragma once

#include <filesystem>

#include "core/result.hpp"
#include "sqlite/database.hpp"

namespace deltadrop::history::sqlite {

/// The one connection that writes, with the schema brought up to date and `same_values(a, b)` defined.
Result<deltadrop::sqlite::Database> open_writer(const std::filesystem::path& path);
Result<deltadrop::sqlite::Database> open_reader(const std::filesystem::path& path);

}  // namespace deltadrop::history::sqlite
