#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "io/file.hpp"

namespace deltadrop::io {

/// The content of a lock file: the holder's process id and address.
struct LockHolder {
  pid_t pid = 0;
  std::string address;  ///< "127.0.0.1:8000", or "" if it does not listen yet
};

/// An exclusive lock (flock) on a file. Held until the object is destroyed or the process ends in any way.
class LockFile {
 public:
  /// Fails with conflict, type "data-dir-in-use", and names the holder's pid. Concurrent calls of `holder` do
  /// not make it fail.
  static Result<LockFile> take(const fs::path& path);
  /// Returns nothing if another process holds the lock. Does not change the file.
  static Result<std::optional<LockFile>> try_take(const fs::path& path);
  /// Waits until the lock is free. Does not change the file.
  static Result<LockFile> wait_for(const fs::path& path);
  /// Returns the holder that the file names if a process holds the lock; otherwise not_found.
  static Result<LockHolder> holder(const fs::path& path);

  /// Advances the file's modification time by kCountStep and returns it as a number. The result is kCountStep
  /// more than the last one unless another process counted in between. Returns nothing if the file system
  /// stores times less exactly. Changes neither content nor durability.
  Result<std::optional<std::uint64_t>> count();
  static constexpr std::uint64_t kCountStep = 1'000;

  /// Writes this process's pid and `address` into the file.
  Result<void> publish_address(const std::string& address);

 private:
  explicit LockFile(File file) : file_(std::move(file)) {}
  File file_;
};

}  // namespace deltadrop::io
