#include "ingest/data_dir_watch.hpp"

#include <fmt/format.h>

#include <utility>

namespace deltadrop::ingest {
namespace {

Error missing() {
  return {
      ErrorCode::unavailable, "data-dir-missing",
      "DATA_DIR is gone: it was moved away or unmounted while the server runs",
      "put it back where it was, and the server takes uploads again; or restart the server where it is now"};
}

Error replaced(std::string_view name, std::string_view what) {
  return {ErrorCode::unavailable, "data-dir-replaced",
          fmt::format("{} was {} while the server runs", name, what),
          "stop the server, put the DATA_DIR that it was started with back in its place, and start it again"};
}

}  // namespace

Result<DataDirWatch> DataDirWatch::begin(const Layout& layout) {
  std::vector<Watched> watched;
  // Check DATA_DIR first: if it is gone, so is everything in it.
  for (const auto& [name, path] : {std::pair{"DATA_DIR", layout.root},
                                   {"the folder archive of DATA_DIR", layout.archive()},
                                   {"the folder held of DATA_DIR", layout.held()},
                                   {"catalog.db of DATA_DIR", layout.catalog()},
                                   {"the file lock of DATA_DIR", layout.lock()}}) {
    const auto stamp = io::stamp_of(path);
    if (!stamp.has_value() && stamp.error().code == ErrorCode::not_found && path == layout.lock()) continue;
    if (!stamp.has_value()) return stamp.error();
    watched.push_back({name, path, stamp.value()});
  }
  return DataDirWatch(std::move(watched));
}

Result<void> DataDirWatch::check() const {
  for (const auto& one : watched_) {
    const auto now = io::stamp_of(one.path);
    if (now.has_value()) {
      if (!now.value().same_file(one.stamp)) return replaced(one.name, "replaced by another one");
      continue;
    }
    if (&one == &watched_.front()) return missing();
    return replaced(one.name, "removed");
  }
  return success();
}

}  // namespace deltadrop::ingest
