#pragma once

#include <sys/types.h>

#include <cstdint>

#include "io/file.hpp"

namespace deltadrop::io {

/// Identifies a file and its last change, as the system reports them. A program that writes to a file or
/// replaces it changes the stamp. Decay of the medium does not.
struct FileStamp {
  dev_t device = 0;
  ino_t inode = 0;
  off_t bytes = 0;
  std::int64_t modified_ns = 0;
  /// The last change of content, mode, owner or names. No program can set it back.
  std::int64_t changed_ns = 0;

  [[nodiscard]] bool same_file(const FileStamp& other) const {
    return device == other.device && inode == other.inode;
  }
  bool operator==(const FileStamp&) const = default;
};

/// The stamp of the open file, whatever its name is now.
Result<FileStamp> stamp_of(const File& file);
/// Follows symbolic links.
Result<FileStamp> stamp_of(const fs::path& path);

}  // namespace deltadrop::io
