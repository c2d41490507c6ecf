#pragma once

#include <cstdint>

#include "io/file.hpp"

namespace deltadrop::io {

/// Has the system start to write `bytes` bytes of the file from `offset` on to the disk, without waiting for
/// them, so that the sync of a large file finds little left to do. Promises nothing: only File::sync does,
/// and what goes wrong here, that will report.
void start_write_back(const File& file, std::uint64_t offset, std::uint64_t bytes) noexcept;

}  // namespace deltadrop::io
