#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "io/file.hpp"

namespace deltadrop::io {

/// What stands in a lock file: who holds it and where it answers.
struct LockHolder {
  pid_t pid = 0;
  std::string address;  ///< "127.0.0.1:8000", or "" while it does not listen
};

/// An exclusive lock (flock) on a file, held until destroyed or the process ends, however it ends.
class LockFile {
 public:
  /// Fails with conflict, type "data-dir-in-use", naming the holder's pid. Those who ask for the `holder`
  /// meanwhile do not keep it out.
  static Result<LockFile> take(const fs::path& path);
  /// Nothing where somebody holds it. The file stays as it is.
  static Result<std::optional<LockFile>> try_take(const fs::path& path);
  /// Waits until whoever holds it lets go. The file stays as it is.
  static Result<LockFile> wait_for(const fs::path& path);
  /// The holder as written in the file if somebody holds the lock; not_found otherwise.
  static Result<LockHolder> holder(const fs::path& path);

  /// Steps the file's time of modification on, and returns it as a number: kCountStep more than the one
  /// before, if nobody else who counts had the lock in between. Nothing where the file system keeps times
  /// less exactly. Neither content nor durability changes.
  Result<std::optional<std::uint64_t>> count();
  static constexpr std::uint64_t kCountStep = 1'000;

  /// Writes this process's pid and `address` into the file.
  Result<void> publish_address(const std::string& address);

 private:
  explicit LockFile(File file) : file_(std::move(file)) {}
  File file_;
};

}  // namespace deltadrop::io
