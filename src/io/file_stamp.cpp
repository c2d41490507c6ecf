#include "io/file_stamp.hpp"

#include <sys/stat.h>

#include <cerrno>

namespace deltadrop::io {
namespace {

FileStamp stamp_from(const struct stat& status) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  return {status.st_dev, status.st_ino, status.st_size,
          status.st_mtim.tv_sec * kSecond + status.st_mtim.tv_nsec,
          status.st_ctim.tv_sec * kSecond + status.st_ctim.tv_nsec};
}

}  // namespace

Result<FileStamp> stamp_of(const File& file) {
  struct stat status{};
  if (::fstat(file.descriptor(), &status) != 0) return system_error("stat", file.path(), errno);
  return stamp_from(status);
}

Result<FileStamp> stamp_of(const fs::path& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return system_error("stat", path, errno);
  return stamp_from(status);
}

}  // namespace deltadrop::io
