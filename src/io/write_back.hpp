#pragma once

#include <cstdint>

#include "io/file.hpp"

namespace deltadrop::io {

/// Starts to write `bytes` bytes of the file from `offset` to the disk and does not wait for them. A later
/// sync of a large file then has little left to do. This guarantees nothing: only File::sync does, and it
/// reports the errors.
void start_write_back(const File& file, std::uint64_t offset, std::uint64_t bytes) noexcept;

}  // namespace deltadrop::io
