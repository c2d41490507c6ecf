#include "io/file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <vector>

#include "io/fault_point.hpp"
#include "io/permissions.hpp"

namespace deltadrop::io {
namespace {

constexpr std::size_t kCopyBlock = std::size_t{1} << 20;
constexpr std::size_t kSystemCopyBlock = std::size_t{64} << 20;

constexpr mode_t kFolderMode = 0755;

/// Repeats a system call while a signal interrupts it. Returns the result; on failure, errno is set.
template <class Call>
auto uninterrupted(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

/// Returns errno if a call returned a negative `result`, else 0.
int errno_after(long result) { return result < 0 ? errno : 0; }

/// Passes the fault point `what`, then makes the call. Fails if either fails.
template <class Call>
Result<void> checked(std::string_view what, const fs::path& path, Call call) {
  int number = fault_point(what, path);
  if (number == 0) number = errno_after(uninterrupted(call));
  if (number != 0) return system_error(what, path, number);
  return success();
}

Result<void> copy_bytes(File& from, File& to) {
  std::vector<std::byte> block(kCopyBlock);
  while (true) {
    DD_TRY(const auto count, from.read(block));
    if (count == 0) return success();
    DD_TRY(to.write(std::span(block).first(count)));
  }
}

/// Lets the kernel copy as much as it can, which avoids copying each byte to this process and back. Succeeds
/// even if the kernel cannot copy (another file system, an old kernel); copy_bytes then copies the rest.
Result<void> copy_in_the_system(const File& from, const File& to) {
  if (const int number = fault_point("write", to.path())) return system_error("write", to.path(), number);
  while (true) {
    const auto count = uninterrupted([&] {
      return ::copy_file_range(from.descriptor(), nullptr, to.descriptor(), nullptr, kSystemCopyBlock, 0);
    });
    if (count == 0) return success();
    if (count > 0) continue;
    if (errno == EXDEV || errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP) return success();
    return system_error("write", to.path(), errno);
  }
}

Result<void> copy_to_new_file(const fs::path& from, const fs::path& to) {
  DD_TRY(auto source, File::open_to_read(from));
  DD_TRY(auto target, File::create(to, 0444));
  DD_TRY(copy_in_the_system(source, target));
  DD_TRY(copy_bytes(source, target));
  return target.close();
}

enum class Durable { no, yes };

/// Widens `folder` to the umask that this process was started with: after close_to_others, the current umask
/// is narrower. Keeps the set-group-ID bit, which passes the directory's group on to new files.
Result<void> open_by_umask(const fs::path& folder) {
  DD_TRY(const auto made, ownership_of(folder));
  return set_ownership(folder, mode_by_umask(kFolderMode) | (made.mode & S_ISGID), std::nullopt);
}

Result<void> make_folders(const fs::path& folder, Durable durable, Readers readers) {
  std::error_code ignored;
  if (folder.empty() || fs::is_directory(folder, ignored)) return success();
  const fs::path parent = folder.has_parent_path() ? folder.parent_path() : fs::path(".");
  DD_TRY(make_folders(parent, durable, readers));
  const auto made = checked("mkdir", folder, [&] { return ::mkdir(folder.c_str(), kFolderMode); });
  const bool made_by_another =
      !made.has_value() && made.error().type == "file-exists" && fs::is_directory(folder, ignored);
  if (!made.has_value() && !made_by_another) return made.error();
  if (!made_by_another && readers == Readers::by_umask) {
    DD_TRY(open_by_umask(folder));
  }
  return durable == Durable::yes ? sync_folder(parent) : success();
}

Result<void> write_file(const fs::path& path, std::string_view bytes, mode_t mode, Durable durable) {
  fs::path temporary = path;
  temporary += ".tmp";
  DD_TRY(remove_file(temporary));
  DD_TRY(auto file, File::create(temporary, mode));
  DD_TRY(file.write(bytes));
  if (durable == Durable::yes) {
    DD_TRY(file.sync());
  }
  DD_TRY(file.close());
  DD_TRY(rename_file(temporary, path));
  if (durable == Durable::no) return success();
  return sync_folder(path.has_parent_path() ? path.parent_path() : fs::path("."));
}

/// Set once a file system does not support reflinks. Each further attempt would create and remove a file.
std::atomic<bool> cannot_reflink = false;

/// Creates `to` with `from`'s extents. Returns false, and may leave an empty `to`, if the file system cannot.
bool reflinked(const fs::path& from, const fs::path& to) {
  if (cannot_reflink) return false;
  auto source = File::open_to_read(from);
  auto target = File::create(to, 0444);
  if (!source.has_value() || !target.has_value()) return false;
  if (::ioctl(target.value().descriptor(), FICLONE, source.value().descriptor()) == 0) return true;
  if (errno == EOPNOTSUPP || errno == ENOTTY) cannot_reflink = true;
  return false;
}

/// Returns " (the limit is 1048576 bytes)", or "" if there is no limit.
std::string file_size_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return "";
  return fmt::format(" (the limit is {} bytes)", limit.rlim_cur);
}

}  // namespace

Error system_error(std::string_view what, const fs::path& path, int number) {
  const auto message = fmt::format("cannot {} {}: {}", what, path.string(), std::strerror(number));
  switch (number) {
    case ENOSPC:
    case EDQUOT:
      return {ErrorCode::unavailable, "disk-full", message, "free space on that file system, then retry"};
    case EROFS:
    case EACCES:
    case EPERM:
      return {ErrorCode::unavailable, "read-only", message,
              "allow this user to write there, or choose another directory"};
    case EFBIG:
      return {ErrorCode::unavailable, "file-size-limit", message + file_size_limit(),
              "raise the limit on the size of files (ulimit -f) of this process"};
    case EMFILE:
    case ENFILE:
      return {ErrorCode::unavailable, "too-many-files", message,
              "raise the limit on open files (ulimit -n) of this process, or lower MAX_CONNECTIONS"};
    case ENOMEM:
      return {ErrorCode::unavailable, "out-of-memory", message,
              "raise the limit on memory (ulimit -v) of this process"};
    case ENOENT:
      return {ErrorCode::not_found, "no-such-file", message, "check the path"};
    case EISDIR:
      return {ErrorCode::unavailable, "io-error", message,
              "the path is a directory, not a file; move it away, or choose another file"};
    case ENOTDIR:
      return {ErrorCode::unavailable, "io-error", message,
              "part of that path is a file, not a directory; move it away, or choose another path"};
    case ELOOP:
      return {ErrorCode::unavailable, "io-error", message,
              "break the loop of symbolic links, or choose another file"};
    case EEXIST:
      return {ErrorCode::conflict, "file-exists", message, "choose another name"};
    default:
      return {ErrorCode::unavailable, "io-error", message, "check the disk and the system's log"};
  }
}

File& File::operator=(File&& other) noexcept {
  if (this != &other) {
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = std::exchange(other.descriptor_, -1);
    path_ = std::move(other.path_);
  }
  return *this;
}

File::~File() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<File> File::open_to_read(const fs::path& path) {
  const int descriptor = uninterrupted([&] { return ::open(path.c_str(), O_RDONLY | O_CLOEXEC); });
  if (descriptor < 0) return system_error("open", path, errno);
  return File(descriptor, path);
}

Result<File> File::create(const fs::path& path, mode_t mode, Readers readers) {
  if (const int number = fault_point("create", path)) return system_error("create", path, number);
  const int descriptor =
      uninterrupted([&] { return ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode); });
  if (descriptor < 0) return system_error("create", path, errno);
  File file(descriptor, path);
  if (readers == Readers::by_umask && mode_by_umask(mode) != closed_mode(mode_by_umask(mode))) {
    if (::fchmod(descriptor, mode_by_umask(mode)) != 0) return system_error("chmod", path, errno);
  }
  return file;
}

Result<void> File::write(std::span<const std::byte> bytes) {
  if (const int number = fault_point("write", path_)) return system_error("write", path_, number);
  while (!bytes.empty()) {
    const auto written = uninterrupted([&] { return ::write(descriptor_, bytes.data(), bytes.size()); });
    if (written < 0) return system_error("write", path_, errno);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return success();
}

Result<std::size_t> File::read(std::span<std::byte> into) {
  const auto count = uninterrupted([&] { return ::read(descriptor_, into.data(), into.size()); });
  if (count < 0) return system_error("read", path_, errno);
  return static_cast<std::size_t>(count);
}

Result<void> File::seek(std::uint64_t offset) {
  if (::lseek(descriptor_, static_cast<off_t>(offset), SEEK_SET) < 0) {
    return system_error("seek in", path_, errno);
  }
  return success();
}

Result<std::uint64_t> File::size() const {
  struct stat status{};
  if (::fstat(descriptor_, &status) != 0) return system_error("stat", path_, errno);
  return static_cast<std::uint64_t>(status.st_size);
}

Result<void> File::set_mode(mode_t mode) {
  return checked("chmod", path_, [&] { return ::fchmod(descriptor_, closed_mode(mode)); });
}

Result<void> File::sync() {
  return checked("fsync", path_, [&] { return ::fsync(descriptor_); });
}

Result<void> File::close() {
  const int number = fault_point("close", path_);
  // Linux frees the descriptor even if close is interrupted, so never call close twice.
  const int result = ::close(std::exchange(descriptor_, -1));
  if (number != 0) return system_error("close", path_, number);
  if (result != 0 && errno != EINTR) return system_error("close", path_, errno);
  return success();
}

Result<void> sync_folder(const fs::path& folder) {
  const int descriptor =
      uninterrupted([&] { return ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
  if (descriptor < 0) return system_error("open", folder, errno);
  File file(descriptor, folder);
  return file.sync();
}

Result<void> sync_file_system(const fs::path& folder) {
  const int descriptor =
      uninterrupted([&] { return ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
  if (descriptor < 0) return system_error("open", folder, errno);
  const File file(descriptor, folder);
  return checked("syncfs", folder, [&] { return ::syncfs(descriptor); });
}

Result<void> make_folders_durably(const fs::path& folder, Readers readers) {
  return make_folders(folder, Durable::yes, readers);
}

Result<void> make_folders(const fs::path& folder, Readers readers) {
  return make_folders(folder, Durable::no, readers);
}

Result<void> rename_file(const fs::path& from, const fs::path& to) {
  return checked("rename", from, [&] { return ::rename(from.c_str(), to.c_str()); });
}

Result<void> link_file(const fs::path& from, const fs::path& to) {
  return checked("link", from, [&] { return ::link(from.c_str(), to.c_str()); });
}

Result<void> remove_file(const fs::path& path) {
  auto removed = checked("unlink", path, [&] { return ::unlink(path.c_str()); });
  if (!removed.has_value() && removed.error().code == ErrorCode::not_found) return success();
  return removed;
}

Result<void> clone_file(const fs::path& from, const fs::path& to) {
  fs::path temporary = to;
  temporary += ".tmp";
  DD_TRY(remove_file(temporary));
  if (!reflinked(from, temporary)) {
    DD_TRY(remove_file(temporary));
    DD_TRY(copy_to_new_file(from, temporary));
  }
  return rename_file(temporary, to);
}

Result<void> write_file_durably(const fs::path& path, std::string_view bytes, mode_t mode) {
  return write_file(path, bytes, mode, Durable::yes);
}

Result<void> write_file(const fs::path& path, std::string_view bytes, mode_t mode) {
  return write_file(path, bytes, mode, Durable::no);
}

Result<std::string> read_whole_file(const fs::path& path) {
  DD_TRY(auto file, File::open_to_read(path));
  std::string bytes;
  std::vector<std::byte> block(std::size_t{64} << 10);
  while (true) {
    DD_TRY(const auto count, file.read(block));
    if (count == 0) return bytes;
    bytes.append(reinterpret_cast<const char*>(block.data()), count);
  }
}

Result<std::uint64_t> free_bytes(const fs::path& path) {
  std::error_code error;
  const auto space = fs::space(path, error);
  if (error) return system_error("read the free space of", path, error.value());
  return std::uint64_t{space.available};
}

Result<dev_t> file_system_of(const fs::path& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return system_error("stat", path, errno);
  return status.st_dev;
}

}  // namespace deltadrop::io
