#pragma once

#include <filesystem>
#include <string>

#include "sqlite/database.hpp"

namespace deltadrop::ingest {

/// Opens catalog.db for writing, creates it if it does not exist, and migrates its schema to the current
/// version. Fails with corrupt, type "not-a-catalog", if the file is another program's database.
Result<sqlite::Database> open_catalog(const std::filesystem::path& path);

/// Returns the advice for a damaged catalog: run `deltadrop rebuild catalog`, which reads what it can of the
/// old catalog and needs only the archive.
std::string repair_of_catalog(const std::filesystem::path& path);

}  // namespace deltadrop::ingest
