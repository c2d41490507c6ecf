#pragma once

#include <filesystem>
#include <vector>

#include "core/result.hpp"
#include "ingest/archive.hpp"
#include "io/file_stamp.hpp"

namespace deltadrop::ingest {

/// Notices that DATA_DIR is not the one that was opened: moved away, unmounted, another one in its place, or
/// its catalog or lock replaced. What is written by path would then go elsewhere, while the catalog, which is
/// open, goes on. Thread-safe.
class DataDirWatch {
 public:
  /// Remembers what is there now. A lock file that is not there is not watched.
  static Result<DataDirWatch> begin(const Layout& layout);

  /// Costs a few stat calls. Fails with unavailable: "data-dir-missing" where DATA_DIR is gone, and
  /// "data-dir-replaced" where something else is at its place. Passes again once the right one is back: the
  /// lock in it was held all the time, so nobody else has written to it.
  [[nodiscard]] Result<void> check() const;

 private:
  struct Watched {
    const char* name;  ///< as in messages, which clients see
    fs::path path;
    io::FileStamp stamp;
  };
  explicit DataDirWatch(std::vector<Watched> watched) : watched_(std::move(watched)) {}

  std::vector<Watched> watched_;
};

}  // namespace deltadrop::ingest
