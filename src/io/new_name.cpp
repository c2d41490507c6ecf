#include "io/new_name.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>

#include "io/fault_point.hpp"

namespace deltadrop::io {
namespace {

/// Like rename(2), but fails with EEXIST if `to` exists.
int rename_if_new(const fs::path& from, const fs::path& to) {
  const int result = ::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE);
  if (result == 0 || errno != EINVAL) return result;
  // The file system does not support RENAME_NOREPLACE; check first, then rename.
  struct stat status{};
  if (::lstat(to.c_str(), &status) != 0) return ::rename(from.c_str(), to.c_str());
  errno = EEXIST;
  return -1;
}

}  // namespace

Result<void> rename_to_new_name(const fs::path& from, const fs::path& to) {
  if (const int number = fault_point("rename", from)) return system_error("rename", from, number);
  if (rename_if_new(from, to) != 0) return system_error("rename", from, errno);
  return success();
}

}  // namespace deltadrop::io
