#pragma once

#include "io/file.hpp"

namespace deltadrop::io {

/// Renames within one file system. Fails with conflict, type "file-exists", if `to` exists. Passes the fault
/// point "rename".
Result<void> rename_to_new_name(const fs::path& from, const fs::path& to);

}  // namespace deltadrop::io
