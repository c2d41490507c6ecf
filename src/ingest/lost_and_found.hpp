#pragma once

#include <filesystem>

#include "core/result.hpp"
#include "ingest/archive.hpp"

namespace deltadrop::ingest {

/// Moves a file or folder of DATA_DIR that nothing accounts for to lost+found/<its place in DATA_DIR>, or, if
/// that is taken, to the same with ".1", ".2"... It may be the only copy of something, so it is neither
/// deleted nor overwritten. Logs a line. Returns where it is now.
Result<fs::path> move_to_lost_and_found(const Layout& layout, const fs::path& path);

}  // namespace deltadrop::ingest
