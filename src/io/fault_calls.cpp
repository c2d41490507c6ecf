#include "io/fault_calls.hpp"

#include <dlfcn.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "io/fault_disk.hpp"
#include "io/fault_plan.hpp"

namespace deltadrop::io::faults {
namespace {

namespace fs = std::filesystem;

/// Returns the C library's own function of that name.
template <class Function>
Function next_of(const char* name) {
  auto* const found = ::dlsym(RTLD_NEXT, name);
  if (found == nullptr) std::abort();
  return reinterpret_cast<Function>(found);
}

/// True while this layer itself works in this thread, so that it does not watch its own calls.
thread_local bool inside = false;

bool watching() { return !inside && (plan().kind == Kind::trace || plan().kind == Kind::power); }

std::mutex& calls_mutex() {
  static auto& mutex = *new std::mutex;
  return mutex;
}

/// Call with calls_mutex() locked.
Disk& disk() {
  static auto& only = *new Disk(plan().root + ".unsynced");
  return only;
}

bool is_watched(std::string_view path) {
  const std::string_view root = plan().root;
  // Also watch the parent directory: it must be synced after the root is created.
  if (path == root.substr(0, root.rfind('/'))) return true;
  if (!path.starts_with(root) || (path.size() > root.size() && path[root.size()] != '/')) return false;
  // Skip SQLite's shared memory: the first process that opens a database recreates it.
  return !path.ends_with("-shm");
}

/// Returns the path if it is watched.
std::optional<std::string> watched(int descriptor) {
  if (!watching()) return std::nullopt;
  std::array<char, 4096> path{};
  const auto link = "/proc/self/fd/" + std::to_string(descriptor);
  const auto size = ::readlink(link.c_str(), path.data(), path.size());
  if (size <= 0) return std::nullopt;
  const std::string_view found(path.data(), static_cast<std::size_t>(size));
  if (!is_watched(found)) return std::nullopt;
  return std::string(found);
}

std::optional<std::string> watched(int folder, const char* path) {
  if (!watching() || path == nullptr) return std::nullopt;
  std::error_code failed;
  fs::path whole = path;
  if (whole.is_relative() && folder != AT_FDCWD) {
    whole = fs::read_symlink("/proc/self/fd/" + std::to_string(folder), failed) / whole;
  }
  const auto text = fs::absolute(whole, failed).lexically_normal().string();
  if (failed || !is_watched(text)) return std::nullopt;
  return text;
}

/// Returns the thread's state, such as 'R', 'S' or 'T' (stopped), or ' ' if it has ended.
char state_of(const fs::path& thread) {
  const int file = ::open((thread / "stat").c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return ' ';
  std::array<char, 512> text{};
  const auto size = ::read(file, text.data(), text.size());
  ::close(file);
  const std::string_view found(text.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
  // The format is "PID (NAME) STATE ...". The name may contain parentheses.
  const auto name_end = found.rfind(')');
  return name_end + 2 < found.size() ? found[name_end + 2] : ' ';
}

void stop_threads_of(pid_t process) {
  ::kill(process, SIGSTOP);
  const auto threads = fs::path("/proc") / std::to_string(process) / "task";
  for (bool running = true; running;) {
    running = false;
    for (const auto& thread : fs::directory_iterator(threads)) {
      const char state = state_of(thread.path());
      running = running || (state != 'T' && state != ' ' && state != 'Z');
    }
    ::sched_yield();
  }
}

/// Other threads read mapped files and would see the undone bytes. So stop them, and let a copy of the
/// process undo the changes.
[[noreturn]] void lose_power() {
  const pid_t process = ::getpid();
  const pid_t copy = ::fork();
  if (copy < 0) std::abort();
  while (copy > 0) ::pause();
  stop_threads_of(process);
  disk().lose_power(plan().names_survive);
  ::kill(process, SIGKILL);
  ::_exit(0);
}

/// A watched call. Holds a lock, so that calls run one at a time. The power fails before the planned call.
class Call {
 public:
  Call(const char* what, std::string path, std::string other = {})
      : lock_(calls_mutex()), what_(what), path_(std::move(path)), other_(std::move(other)) {
    inside = true;
    if (plan().kind != Kind::power || repeats() || !strikes(what_, path_ + " " + other_)) return;
    lose_power();
  }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;
  ~Call() { inside = false; }

  /// `change` announces the coming change to the disk model.
  template <class Change>
  void announce(Change change) {
    if (plan().kind == Kind::power) change(disk());
  }
  template <class Value>
  Value done(Value result) {
    if (result >= 0) trace(what_, path_, other_);
    return result;
  }

 private:
  /// Returns whether this is another write to the file of the last write. A power failure before either of
  /// them undoes the same bytes.
  [[nodiscard]] bool repeats() const {
    static auto& last = *new std::string;
    const auto mine = std::string_view(what_) == "write" ? path_ : std::string();
    const bool same = !mine.empty() && mine == last;
    last = mine;
    return same;
  }

  std::lock_guard<std::mutex> lock_;
  const char* what_;
  std::string path_;
  std::string other_;
};

/// Watches a call that writes `count` bytes at `offset`; `write` makes the call.
template <class Write>
ssize_t write_at(int descriptor, off_t offset, std::size_t count, Write write) {
  auto path = watched(descriptor);
  if (!path) return write();
  Call call("write", std::move(*path));
  call.announce(
      [&](Disk& changing) { changing.before_write(descriptor, offset, offset + static_cast<off_t>(count)); });
  return call.done(write());
}

/// Returns the offset of the next write().
off_t place_of(int descriptor) {
  struct stat status{};
  if ((::fcntl(descriptor, F_GETFL) & O_APPEND) != 0 && ::fstat(descriptor, &status) == 0)
    return status.st_size;
  return std::max<off_t>(::lseek(descriptor, 0, SEEK_CUR), 0);
}

template <class Write>
ssize_t write_here(int descriptor, std::size_t count, Write write) {
  if (!watching()) return write();
  return write_at(descriptor, place_of(descriptor), count, write);
}

/// Traces the status of an HTTP response that this process sends.
void see_answer(const void* bytes, std::size_t count) {
  if (inside || plan().kind != Kind::trace) return;
  const std::string_view text(static_cast<const char*>(bytes), count);
  if (text.starts_with("HTTP/1.1 ") && !text.starts_with("HTTP/1.1 100")) trace("answer", text.substr(9, 3));
}

std::size_t bytes_of(const iovec* parts, int count) {
  std::size_t bytes = 0;
  for (int i = 0; i < count; ++i) bytes += parts[i].iov_len;
  return bytes;
}

template <class Cut>
int cut(int descriptor, off_t size, Cut make) {
  auto path = watched(descriptor);
  if (!path) return make();
  Call call("truncate", std::move(*path));
  call.announce([&](Disk& changing) { changing.before_cut(descriptor, size); });
  return call.done(make());
}

template <class Sync>
int synced(const char* what, int descriptor, Sync sync) {
  auto path = watched(descriptor);
  if (!path) return sync();
  Call call(what, std::move(*path));
  if (plan().kind == Kind::trace) return call.done(sync());
  // Only the model of the disk matters. A real sync would cost time.
  if (std::string_view(what) == "syncfs") {
    disk().synced_all();
  } else {
    disk().synced(descriptor);
  }
  return 0;
}

/// Watches a call that changes the names `path` and `other`.
template <class Change>
int names(const char* what, std::optional<std::string> path, std::optional<std::string> other,
          Change change) {
  if (!path && !other) return change();
  Call call(what, path.value_or(""), other.value_or(""));
  call.announce([&](Disk& changing) {
    if (path) changing.before_name(*path);
    if (other) changing.before_name(*other);
  });
  return call.done(change());
}

template <class Open>
int opened(int folder, const char* name, int flags, Open open) {
  if ((flags & (O_CREAT | O_TRUNC)) == 0 || (flags & O_TMPFILE) == O_TMPFILE) return open();
  auto path = watched(folder, name);
  if (!path) return open();
  if (!fs::exists(fs::symlink_status(*path))) return names("create", path, std::nullopt, open);
  if ((flags & O_TRUNC) == 0) return open();
  Call call("truncate", *path);
  const int file = ::open(path->c_str(), O_RDONLY | O_CLOEXEC);
  if (file >= 0) {
    call.announce([&](Disk& changing) { changing.before_cut(file, 0); });
    ::close(file);
  }
  return call.done(open());
}

/// Watches a call that changes the mode or the times of an open file.
template <class Change>
int metadata(int descriptor, Change change) {
  auto path = watched(descriptor);
  if (!path) return change();
  Call call("metadata", std::move(*path));
  call.announce([&](Disk& changing) { changing.before_metadata(descriptor); });
  return call.done(change());
}

template <class Change>
int metadata(int folder, const char* name, Change change) {
  const auto path = watched(folder, name);
  if (!path) return change();
  const int file = ::open(path->c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return change();
  const int result = metadata(file, change);
  ::close(file);
  return result;
}

/// The C library's streams write with internal calls, which this layer cannot replace.
void refuse_stream(const char* path, const char* mode) {
  if (std::string_view(mode).find_first_of("wa+") == std::string_view::npos || !watched(AT_FDCWD, path))
    return;
  std::fprintf(stderr, "a stream writes %s, which the fault layer cannot watch\n", path);
  std::abort();
}

/// Traces a normal exit: everything that the process confirmed must now be durable.
void end_of_process() {
  if (!watching()) return;
  std::fflush(nullptr);
  Call call("exit", plan().root);
  call.done(0);
}

[[maybe_unused]] const int kRegistered = std::atexit(end_of_process);

}  // namespace

void watch_calls() noexcept {}

}  // namespace deltadrop::io::faults

namespace faults = deltadrop::io::faults;

extern "C" {

ssize_t write(int descriptor, const void* bytes, size_t count) {
  static const auto next = faults::next_of<ssize_t (*)(int, const void*, size_t)>("write");
  return faults::write_here(descriptor, count, [&] { return next(descriptor, bytes, count); });
}

ssize_t writev(int descriptor, const iovec* parts, int count) {
  static const auto next = faults::next_of<ssize_t (*)(int, const iovec*, int)>("writev");
  return faults::write_here(descriptor, faults::bytes_of(parts, count),
                            [&] { return next(descriptor, parts, count); });
}

ssize_t pwrite(int descriptor, const void* bytes, size_t count, off_t offset) {
  static const auto next = faults::next_of<ssize_t (*)(int, const void*, size_t, off_t)>("pwrite");
  return faults::write_at(descriptor, offset, count, [&] { return next(descriptor, bytes, count, offset); });
}

ssize_t pwrite64(int descriptor, const void* bytes, size_t count, off64_t offset) {
  return pwrite(descriptor, bytes, count, offset);
}

ssize_t pwritev(int descriptor, const iovec* parts, int count, off_t offset) {
  static const auto next = faults::next_of<ssize_t (*)(int, const iovec*, int, off_t)>("pwritev");
  return faults::write_at(descriptor, offset, faults::bytes_of(parts, count),
                          [&] { return next(descriptor, parts, count, offset); });
}

ssize_t copy_file_range(int from, off64_t* from_offset, int to, off64_t* to_offset, size_t count,
                        unsigned int flags) {
  static const auto next =
      faults::next_of<ssize_t (*)(int, off64_t*, int, off64_t*, size_t, unsigned int)>("copy_file_range");
  const auto copy = [&] { return next(from, from_offset, to, to_offset, count, flags); };
  if (to_offset == nullptr) return faults::write_here(to, count, copy);
  return faults::write_at(to, *to_offset, count, copy);
}

ssize_t sendfile(int to, int from, off_t* offset, size_t count) noexcept {
  static const auto next = faults::next_of<ssize_t (*)(int, int, off_t*, size_t)>("sendfile");
  return faults::write_here(to, count, [&] { return next(to, from, offset, count); });
}

ssize_t sendfile64(int to, int from, off64_t* offset, size_t count) noexcept {
  return sendfile(to, from, offset, count);
}

int ioctl(int descriptor, unsigned long request, ...) noexcept {
  static const auto next = faults::next_of<int (*)(int, unsigned long, void*)>("ioctl");
  va_list arguments;
  va_start(arguments, request);
  void* const argument = va_arg(arguments, void*);
  va_end(arguments);
  const auto call = [&] { return next(descriptor, request, argument); };
  return request == FICLONE ? faults::cut(descriptor, 0, call) : call();
}

int fallocate(int descriptor, int mode, off_t offset, off_t count) {
  static const auto next = faults::next_of<int (*)(int, int, off_t, off_t)>("fallocate");
  return static_cast<int>(
      faults::write_at(descriptor, offset, static_cast<std::size_t>(count),
                       [&]() -> ssize_t { return next(descriptor, mode, offset, count); }));
}

int ftruncate(int descriptor, off_t size) noexcept {
  static const auto next = faults::next_of<int (*)(int, off_t)>("ftruncate");
  return faults::cut(descriptor, size, [&] { return next(descriptor, size); });
}

int ftruncate64(int descriptor, off64_t size) noexcept { return ftruncate(descriptor, size); }

int fsync(int descriptor) {
  static const auto next = faults::next_of<int (*)(int)>("fsync");
  return faults::synced("fsync", descriptor, [&] { return next(descriptor); });
}

int fdatasync(int descriptor) {
  static const auto next = faults::next_of<int (*)(int)>("fdatasync");
  return faults::synced("fsync", descriptor, [&] { return next(descriptor); });
}

int syncfs(int descriptor) noexcept {
  static const auto next = faults::next_of<int (*)(int)>("syncfs");
  return faults::synced("syncfs", descriptor, [&] { return next(descriptor); });
}

int open(const char* path, int flags, ...) {
  static const auto next = faults::next_of<int (*)(const char*, int, mode_t)>("open");
  va_list arguments;
  va_start(arguments, flags);
  const auto mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  return faults::opened(AT_FDCWD, path, flags, [&] { return next(path, flags, mode); });
}

int open64(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const auto mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  return open(path, flags, mode);
}

int openat(int folder, const char* path, int flags, ...) {
  static const auto next = faults::next_of<int (*)(int, const char*, int, mode_t)>("openat");
  va_list arguments;
  va_start(arguments, flags);
  const auto mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  return faults::opened(folder, path, flags, [&] { return next(folder, path, flags, mode); });
}

int rename(const char* from, const char* to) noexcept {
  static const auto next = faults::next_of<int (*)(const char*, const char*)>("rename");
  return faults::names("rename", faults::watched(AT_FDCWD, from), faults::watched(AT_FDCWD, to),
                       [&] { return next(from, to); });
}

int renameat2(int from_folder, const char* from, int to_folder, const char* to, unsigned int flags) noexcept {
  static const auto next =
      faults::next_of<int (*)(int, const char*, int, const char*, unsigned int)>("renameat2");
  return faults::names("rename", faults::watched(from_folder, from), faults::watched(to_folder, to),
                       [&] { return next(from_folder, from, to_folder, to, flags); });
}

int renameat(int from_folder, const char* from, int to_folder, const char* to) noexcept {
  return renameat2(from_folder, from, to_folder, to, 0);
}

int linkat(int from_folder, const char* from, int to_folder, const char* to, int flags) noexcept {
  static const auto next = faults::next_of<int (*)(int, const char*, int, const char*, int)>("linkat");
  // The old name does not change. Recording it as well does no harm.
  return faults::names("link", faults::watched(from_folder, from), faults::watched(to_folder, to),
                       [&] { return next(from_folder, from, to_folder, to, flags); });
}

int link(const char* from, const char* to) noexcept { return linkat(AT_FDCWD, from, AT_FDCWD, to, 0); }

int unlinkat(int folder, const char* path, int flags) noexcept {
  static const auto next = faults::next_of<int (*)(int, const char*, int)>("unlinkat");
  return faults::names((flags & AT_REMOVEDIR) != 0 ? "rmdir" : "unlink", faults::watched(folder, path),
                       std::nullopt, [&] { return next(folder, path, flags); });
}

int unlink(const char* path) noexcept { return unlinkat(AT_FDCWD, path, 0); }

int rmdir(const char* path) noexcept { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }

int remove(const char* path) noexcept {
  const int removed = unlink(path);
  return removed != 0 && errno == EISDIR ? rmdir(path) : removed;
}

int mkdirat(int folder, const char* path, mode_t mode) noexcept {
  static const auto next = faults::next_of<int (*)(int, const char*, mode_t)>("mkdirat");
  return faults::names("mkdir", faults::watched(folder, path), std::nullopt,
                       [&] { return next(folder, path, mode); });
}

int mkdir(const char* path, mode_t mode) noexcept { return mkdirat(AT_FDCWD, path, mode); }

int fchmod(int descriptor, mode_t mode) noexcept {
  static const auto next = faults::next_of<int (*)(int, mode_t)>("fchmod");
  return faults::metadata(descriptor, [&] { return next(descriptor, mode); });
}

int futimens(int descriptor, const timespec times[2]) noexcept {
  static const auto next = faults::next_of<int (*)(int, const timespec*)>("futimens");
  return faults::metadata(descriptor, [&] { return next(descriptor, times); });
}

int utimensat(int folder, const char* path, const timespec times[2], int flags) noexcept {
  static const auto next = faults::next_of<int (*)(int, const char*, const timespec*, int)>("utimensat");
  return faults::metadata(folder, path, [&] { return next(folder, path, times, flags); });
}

FILE* fopen(const char* path, const char* mode) {
  static const auto next = faults::next_of<FILE* (*)(const char*, const char*)>("fopen");
  faults::refuse_stream(path, mode);
  return next(path, mode);
}

FILE* fopen64(const char* path, const char* mode) { return fopen(path, mode); }

ssize_t send(int socket, const void* bytes, size_t count, int flags) {
  static const auto next = faults::next_of<ssize_t (*)(int, const void*, size_t, int)>("send");
  faults::see_answer(bytes, count);
  return next(socket, bytes, count, flags);
}

ssize_t sendmsg(int socket, const msghdr* message, int flags) {
  static const auto next = faults::next_of<ssize_t (*)(int, const msghdr*, int)>("sendmsg");
  if (message->msg_iovlen > 0) faults::see_answer(message->msg_iov[0].iov_base, message->msg_iov[0].iov_len);
  return next(socket, message, flags);
}

}  // extern "C"
