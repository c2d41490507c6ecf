#include "io/lock_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace deltadrop::io {
namespace {

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
  return {ErrorCode::conflict, "data-dir-in-use",
          fmt::format("{} is in use by process {}{}", path.parent_path().string(), holder.pid,
                      holder.address.empty() ? "" : " at " + holder.address),
          fmt::format("stop that process, or choose another DATA_DIR")};
}

Result<File> open_lock(const fs::path& path, int flags) {
  const int descriptor = ::open(path.c_str(), flags | O_CLOEXEC, 0644);
  if (descriptor < 0) return system_error("open", path, errno);
  return File(descriptor, path);
}

}  // namespace

Result<LockFile> LockFile::take(const fs::path& path) {
  DD_TRY(auto lock, try_take(path));
  if (!lock) return in_use(path);
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
  DD_TRY(auto file, open_lock(path, O_RDWR));
  if (::flock(file.descriptor(), LOCK_SH | LOCK_NB) == 0) {
    return Error{ErrorCode::not_found, "not-running", fmt::format("no process holds {}", path.string()), ""};
  }
  DD_TRY(const auto text, read_whole_file(path));
  return parse_holder(text);
}

Result<void> LockFile::publish_address(const std::string& address) {
  const auto text = fmt::format("{}\n{}\n", ::getpid(), address);
  if (::ftruncate(file_.descriptor(), 0) != 0 ||
      ::pwrite(file_.descriptor(), text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) {
    return system_error("write", file_.path(), errno);
  }
  return success();
}

}  // namespace deltadrop::io
