#pragma once

#include <filesystem>
#include <vector>

#include "core/result.hpp"
#include "ingest/archive.hpp"
#include "io/file_stamp.hpp"

namespace deltadrop::ingest {

/// Detects that DATA_DIR is no longer the directory that was opened: it was moved, unmounted or replaced, or
/// its catalog or lock file was. Files written by path would then go elsewhere, while the open catalog would
/// still be the old one. Thread-safe.
class DataDirWatch {
 public:
  /// Remembers the current files. Does not watch a lock file that does not exist.
  static Result<DataDirWatch> begin(const Layout& layout);

  /// Costs a few stat calls. Fails with unavailable, type "data-dir-missing", if DATA_DIR is gone, and type
  /// "data-dir-replaced", if its path leads to something else. Succeeds again once the original is back: its
  /// lock was held all the time, so nobody else has written to it.
  [[nodiscard]] Result<void> check() const;

 private:
  struct Watched {
    const char* name;  ///< the name in messages, which clients see
    fs::path path;
    io::FileStamp stamp;
  };
  explicit DataDirWatch(std::vector<Watched> watched) : watched_(std::move(watched)) {}

  std::vector<Watched> watched_;
};

}  // namespace deltadrop::ingest
