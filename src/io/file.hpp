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

/// The file system calls of all modules. Every failure is an Error that names the path and the system's
/// reason: `unavailable` with type "disk-full" (ENOSPC, EDQUOT), "read-only" (EROFS, EACCES, EPERM) or
/// "io-error"; a missing file is `not_found`. A call that changes something first passes a fault point
/// (fault_point.hpp) of its own name: "write", "fsync", "close", "rename", "link", "unlink" or "mkdir".
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
  /// Fails with conflict, type "file-exists", if the file exists. Here and below, `mode` is the widest mode;
  /// close_to_others and the umask may narrow it for other users.
  static Result<File> create(const fs::path& path, mode_t mode = 0644, Readers readers = Readers::as_closed);

  Result<void> write(std::span<const std::byte> bytes);
  Result<void> write(std::string_view bytes) { return write(std::as_bytes(std::span(bytes))); }
  /// Reads up to `into.size()` bytes. Returns 0 at the end of the file.
  Result<std::size_t> read(std::span<std::byte> into);
  /// Sets the offset of the next read.
  Result<void> seek(std::uint64_t offset);
  Result<std::uint64_t> size() const;
  Result<void> set_mode(mode_t mode);
  /// After a failure, only close the file: a second fsync may wrongly succeed.
  Result<void> sync();
  /// Closes the file and reports errors that the destructor would ignore.
  Result<void> close();

  [[nodiscard]] int descriptor() const { return descriptor_; }
  [[nodiscard]] const fs::path& path() const { return path_; }

 private:
  int descriptor_ = -1;
  fs::path path_;
};

/// Syncs a directory, which makes the names in it durable.
Result<void> sync_folder(const fs::path& folder);
/// Syncs everything written to the file system of `folder` so far, including names. It costs more than one
/// fsync but less than hundreds.
Result<void> sync_file_system(const fs::path& folder);
/// Creates `folder` and its missing parents, and syncs each directory that gained a name.
Result<void> make_folders_durably(const fs::path& folder, Readers readers = Readers::as_closed);
/// Like make_folders_durably, without syncs.
Result<void> make_folders(const fs::path& folder, Readers readers = Readers::as_closed);
/// Renames within one file system and replaces `to`. Does not sync the directory.
Result<void> rename_file(const fs::path& from, const fs::path& to);
/// Gives the file a second name. Fails with conflict, type "file-exists".
Result<void> link_file(const fs::path& from, const fs::path& to);
/// Succeeds if the file does not exist.
Result<void> remove_file(const fs::path& path);
/// Replaces `to` by rename with a copy of `from`: a reflink if the file system supports it. Never a hard
/// link, because writing to `to` must not change `from`. Does not sync.
Result<void> clone_file(const fs::path& from, const fs::path& to);
/// Writes "<path>.tmp", syncs it, renames it to `path` and syncs the directory.
Result<void> write_file_durably(const fs::path& path, std::string_view bytes, mode_t mode = 0644);
/// Returns the bytes that an unprivileged user may still write on the file system of `path`.
Result<std::uint64_t> free_bytes(const fs::path& path);
/// Like write_file_durably, without syncs.
Result<void> write_file(const fs::path& path, std::string_view bytes, mode_t mode = 0644);
Result<std::string> read_whole_file(const fs::path& path);
/// Returns the device number, which is equal for paths on one file system.
Result<dev_t> file_system_of(const fs::path& path);

/// Returns the Error for a failed system call. `what` is a verb ("write"); `number` is the errno.
Error system_error(std::string_view what, const fs::path& path, int number);

}  // namespace deltadrop::io
