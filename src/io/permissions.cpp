#include "io/permissions.hpp"

#include <fmt/format.h>
#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <vector>

#include "core/number.hpp"
#include "core/text.hpp"
#include "io/fault_point.hpp"
#include "io/file.hpp"

namespace deltadrop::io {
namespace {

constexpr mode_t kAllBits = 07777;
constexpr mode_t kClosed = 0077;
constexpr mode_t kClosedButToGroup = 0027;

/// The permission bits that close_to_others removes; none before its first call.
std::atomic<mode_t> closed_bits = 0;

/// The umask can only be read by setting it, so do that before main and before any thread starts.
mode_t umask_at_start() {
  static const mode_t first = [] {
    const mode_t found = ::umask(0);
    ::umask(found);
    return found;
  }();
  return first;
}
[[maybe_unused]] const mode_t kTakenAtStart = umask_at_start();

constexpr std::size_t kGroupBytesMin = std::size_t{16} << 10;
constexpr std::size_t kGroupBytesMax = std::size_t{16}
                                       << 20;  ///< enough for a group of a hundred thousand users

}  // namespace

Result<gid_t> find_group(std::string_view name_or_number) {
  // chown takes the largest number to mean "do not change the group".
  const auto number = parse_integer<gid_t>(name_or_number);
  if (number && *number != static_cast<gid_t>(-1)) return *number;
  const std::string name(name_or_number);
  std::vector<char> bytes(kGroupBytesMin);
  struct group entry{};
  struct group* found = nullptr;
  int failed = ::getgrnam_r(name.c_str(), &entry, bytes.data(), bytes.size(), &found);
  while (failed == ERANGE && bytes.size() < kGroupBytesMax) {
    bytes.resize(bytes.size() * 4);
    failed = ::getgrnam_r(name.c_str(), &entry, bytes.data(), bytes.size(), &found);
  }
  if (found != nullptr) return found->gr_gid;
  return Error{ErrorCode::invalid_input, "no-such-group",
               fmt::format("this system has no group {}", quoted_for_message(name_or_number)),
               "use the name or the number of a group that `getent group` lists"};
}

void close_to_others(Group group) {
  umask_at_start();
  closed_bits = group == Group::reads ? kClosedButToGroup : kClosed;
  ::umask(closed_bits);
}

mode_t closed_mode(mode_t mode) { return mode & ~closed_bits.load(); }

mode_t mode_by_umask(mode_t mode) { return mode & ~umask_at_start(); }

Result<Ownership> ownership_of(const std::filesystem::path& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return system_error("stat", path, errno);
  return Ownership{status.st_mode & kAllBits, status.st_uid, status.st_gid};
}

Result<void> set_ownership(const std::filesystem::path& path, mode_t mode, std::optional<gid_t> group) {
  DD_TRY(const auto now, ownership_of(path));
  const bool other_group = group && now.group != *group;
  if (other_group) {
    int number = fault_point("chown", path);
    if (number == 0 && ::chown(path.c_str(), static_cast<uid_t>(-1), *group) != 0) number = errno;
    if (number != 0) return system_error("change the group of", path, number);
  }
  // Changing the group may clear mode bits.
  if (now.mode == mode && !other_group) return success();
  int number = fault_point("chmod", path);
  if (number == 0 && ::chmod(path.c_str(), mode) != 0) number = errno;
  if (number != 0) return system_error("change the mode of", path, number);
  return success();
}

}  // namespace deltadrop::io
