#include "io/lock_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <thread>

#include "io/file_stamp.hpp"

namespace deltadrop::io {
namespace {

/// How long `take` tolerates processes that only query the holder. Each query takes microseconds.
constexpr std::chrono::seconds kAskersPatience{1};

/// "PID\nADDRESS\n"
LockHolder parse_holder(const std::string& text) {
  LockHolder holder;
  const auto line_end = text.find('\n');
  holder.pid = static_cast<pid_t>(std::strtol(text.c_str(), nullptr, 10));
  if (line_end != std::string::npos) {
    holder.address = text.substr(line_end + 1, text.find('\n', line_end + 1) - line_end - 1);
  }
  return holder;
}

Error in_use(const fs::path& path) {
  const auto text = read_whole_file(path);
  const auto holder = text.has_value() ? parse_holder(text.value()) : LockHolder{};
  const auto who =
      holder.pid == 0 ? std::string("a process that is starting") : fmt::format("process {}", holder.pid);
  return {ErrorCode::conflict, "data-dir-in-use",
          fmt::format("{} is in use by {}{}", path.parent_path().string(), who,
                      holder.address.empty() ? "" : " at " + holder.address),
          fmt::format("stop that process, or choose another DATA_DIR")};
}

Result<File> open_lock(const fs::path& path, int flags) {
  const int descriptor = ::open(path.c_str(), flags | O_CLOEXEC, 0644);
  if (descriptor < 0) return system_error("open", path, errno);
  return File(descriptor, path);
}

/// flock cannot query a lock, so this takes a shared lock for a moment. That keeps others from taking the
/// lock meanwhile.
Result<bool> is_held_exclusively(const fs::path& path) {
  DD_TRY(auto file, open_lock(path, O_RDWR));
  return ::flock(file.descriptor(), LOCK_SH | LOCK_NB) != 0;
}

}  // namespace

/// A process that queries the holder also blocks the lock for a moment; retry until it is done.
Result<LockFile> LockFile::take(const fs::path& path) {
  const auto deadline = std::chrono::steady_clock::now() + kAskersPatience;
  DD_TRY(auto lock, try_take(path));
  while (!lock) {
    DD_TRY(const bool held, is_held_exclusively(path));
    if (held || std::chrono::steady_clock::now() >= deadline) return in_use(path);
    std::this_thread::yield();
    DD_TRY(lock, try_take(path));
  }
  DD_TRY(lock->publish_address(""));
  return std::move(*lock);
}

Result<std::optional<LockFile>> LockFile::try_take(const fs::path& path) {
  DD_TRY(auto file, open_lock(path, O_RDWR | O_CREAT));
  if (::flock(file.descriptor(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return std::optional<LockFile>();
    return system_error("lock", path, errno);
  }
  return std::optional(LockFile(std::move(file)));
}

Result<LockFile> LockFile::wait_for(const fs::path& path) {
  DD_TRY(auto file, open_lock(path, O_RDWR | O_CREAT));
  while (::flock(file.descriptor(), LOCK_EX) != 0) {
    if (errno != EINTR) return system_error("lock", path, errno);
  }
  return LockFile(std::move(file));
}

Result<LockHolder> LockFile::holder(const fs::path& path) {
  DD_TRY(const bool held, is_held_exclusively(path));
  if (!held) {
    return Error{ErrorCode::not_found, "not-running", fmt::format("no process holds {}", path.string()), ""};
  }
  DD_TRY(const auto text, read_whole_file(path));
  return parse_holder(text);
}

Result<std::optional<std::uint64_t>> LockFile::count() {
  constexpr std::uint64_t kSecond = 1'000'000'000;
  const auto stamp = stamp_of(file_);
  if (!stamp.has_value()) return stamp.error();
  const auto number = static_cast<std::uint64_t>(stamp.value().modified_ns) + kCountStep;
  const timespec time{static_cast<time_t>(number / kSecond), static_cast<long>(number % kSecond)};
  const timespec times[2] = {time, time};
  if (::futimens(file_.descriptor(), times) != 0) return system_error("set the time of", file_.path(), errno);
  DD_TRY(const auto kept, stamp_of(file_));
  if (kept.modified_ns != static_cast<std::int64_t>(number)) return std::optional<std::uint64_t>();
  return std::optional(number);
}

Result<void> LockFile::publish_address(const std::string& address) {
  const auto text = fmt::format("{}\n{}\n", ::getpid(), address);
  // Truncate last: a concurrent reader finds two complete lines, not an empty file.
  if (::pwrite(file_.descriptor(), text.data(), text.size(), 0) != static_cast<ssize_t>(text.size()) ||
      ::ftruncate(file_.descriptor(), static_cast<off_t>(text.size())) != 0) {
    return system_error("write", file_.path(), errno);
  }
  return success();
}

}  // namespace deltadrop::io
