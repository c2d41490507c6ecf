#pragma once

#include <sys/types.h>

#include <cstdint>

#include "io/file.hpp"

namespace deltadrop::io {

/// Which file it is and when it last changed, as the system says. A program that writes to a file, or puts
/// another one in its place, changes its stamp. Decay of the medium does not.
struct FileStamp {
  dev_t device = 0;
  ino_t inode = 0;
  off_t bytes = 0;
  std::int64_t modified_ns = 0;
  std::int64_t changed_ns = 0;  ///< of its content, mode, owner or names; no program can set it back

  [[nodiscard]] bool same_file(const FileStamp& other) const {
    return device == other.device && inode == other.inode;
  }
  bool operator==(const FileStamp&) const = default;
};

/// Of the file that is open, whatever its name is now.
Result<FileStamp> stamp_of(const File& file);
/// Follows symbolic links.
Result<FileStamp> stamp_of(const fs::path& path);

}  // namespace deltadrop::io
