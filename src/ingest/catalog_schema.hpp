#pragma once

#include <filesystem>
#include <string>

#include "sqlite/database.hpp"

namespace deltadrop::ingest {

/// Opens catalog.db for writing, makes it where there is none, and brings its schema up to date. corrupt
/// "not-a-catalog" for another program's database.
Result<sqlite::Database> open_catalog(const std::filesystem::path& path);

/// What to do when the catalog is damaged: `deltadrop rebuild catalog` reads what it can of the old one, and
/// needs only the archive.
std::string repair_of_catalog(const std::filesystem::path& path);

}  // namespace deltadrop::ingest
