#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "core/result.hpp"
#include "io/permissions.hpp"

/// What the rooms ask of the file system. Every failure is an Error that names the path and what the system
/// said: `unavailable` with type "disk-full" (ENOSPC, EDQUOT), "read-only" (EROFS, EACCES, EPERM) or
/// "io-error"; a missing file is `not_found`. Calls that change something pass a fault point of their own
/// name first (see fault_point.hpp): "write", "fsync", "close", "rename", "link", "unlink", "mkdir".
namespace deltadrop::io {

namespace fs = std::filesystem;

/// Owns a file descriptor. Not thread-safe.
class File {
 public:
  File() = default;
  explicit File(int descriptor, fs::path path) : descriptor_(descriptor), path_(std::move(path)) {}
  File(File&& other) noexcept
      : descriptor_(std::exchange(other.descriptor_, -1)), path_(std::move(other.path_)) {}
  File& operator=(File&& other) noexcept;
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File();

  static Result<File> open_to_read(const fs::path& path);
  /// Fails with conflict, type "file-exists", when there is one. Here and below, `mode` is what the file may
  /// have: what others have of it, close_to_others and the umask say.
  static Result<File> create(const fs::path& path, mode_t mode = 0644, Readers readers = Readers::as_closed);

  Result<void> write(std::span<const std::byte> bytes);
  Result<void> write(std::string_view bytes) { return write(std::as_bytes(std::span(bytes))); }
  /// Up to `into.size()` bytes; 0 at the end of the file.
  Result<std::size_t> read(std::span<std::byte> into);
  /// Where the next read begins.
  Result<void> seek(std::uint64_t offset);
  Result<std::uint64_t> size() const;
  Result<void> set_mode(mode_t mode);
  /// After a failure nothing more may be done with this file but closing it.
  Result<void> sync();
  /// Reports what the destructor would swallow.
  Result<void> close();

  [[nodiscard]] int descriptor() const { return descriptor_; }
  [[nodiscard]] const fs::path& path() const { return path_; }

 private:
  int descriptor_ = -1;
  fs::path path_;
};

/// fsync of a folder: makes the names in it durable.
Result<void> sync_folder(const fs::path& folder);
/// Everything that was written to the file system of `folder` so far, names too: dearer than one fsync,
/// cheaper than hundreds.
Result<void> sync_file_system(const fs::path& folder);
/// Makes `folder` and its missing parents, syncing each folder that gained a name.
Result<void> make_folders_durably(const fs::path& folder, Readers readers = Readers::as_closed);
/// The same without syncing.
Result<void> make_folders(const fs::path& folder, Readers readers = Readers::as_closed);
/// Renames within one file system, over an existing name. Does not sync the folder.
Result<void> rename_file(const fs::path& from, const fs::path& to);
/// A second name for the same file. Fails with conflict, type "file-exists".
Result<void> link_file(const fs::path& from, const fs::path& to);
/// Absent is success.
Result<void> remove_file(const fs::path& path);
/// `from`'s bytes under `to`, replacing it by rename: a reflink where the file system can, else a copy. Never
/// a hard link: whoever writes to `to` must not change `from`. Does not sync.
Result<void> clone_file(const fs::path& from, const fs::path& to);
/// Writes to "<path>.tmp", syncs, renames over `path`, syncs the folder.
Result<void> write_file_durably(const fs::path& path, std::string_view bytes, mode_t mode = 0644);
/// What an ordinary user may still write on the file system of `path`.
Result<std::uint64_t> free_bytes(const fs::path& path);
/// The same without syncing.
Result<void> write_file(const fs::path& path, std::string_view bytes, mode_t mode = 0644);
Result<std::string> read_whole_file(const fs::path& path);
/// Device number: equal for paths on one file system.
Result<dev_t> file_system_of(const fs::path& path);

/// The Error for a failed system call: `what` is a verb ("write"), `number` its errno.
Error system_error(std::string_view what, const fs::path& path, int number);

}  // namespace deltadrop::io
