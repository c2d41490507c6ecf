#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "core/result.hpp"

/// Controls who may read the files of this process: docs/decisions/0031-who-may-read-data-dir.md.
namespace deltadrop::io {

/// Selects the readers of a new file or directory.
enum class Readers : std::uint8_t {
  as_closed,  ///< the requested mode without the bits that close_to_others removed
  by_umask    ///< the requested mode under the start-up umask, for other programs
};

/// Returns the id of a group given by name or number. Fails with invalid_input, type "no-such-group".
Result<gid_t> find_group(std::string_view name_or_number);

enum class Group : std::uint8_t { none, reads };

/// From now on, closes everything that this process creates to other users: directories get mode 0700, files
/// 0600 (0400 if read-only). With Group::reads, the group that a file inherits from its directory may read
/// it: 0750, 0640, 0440. Also sets the process's umask, for files that libraries create. Call it while no
/// other thread creates files. The last call counts.
void close_to_others(Group group);

/// Returns `mode` without the bits that close_to_others removed.
mode_t closed_mode(mode_t mode);
/// Returns `mode` under the umask that the process was started with.
mode_t mode_by_umask(mode_t mode);

/// The mode and the owners of a file or directory.
struct Ownership {
  mode_t mode = 0;  ///< the lowest twelve bits
  uid_t user = 0;
  gid_t group = 0;
};
/// Fails like the other calls of io; not_found if the file does not exist.
Result<Ownership> ownership_of(const std::filesystem::path& path);

/// Changes what differs. It follows symbolic links, so do not call it with one.
Result<void> set_ownership(const std::filesystem::path& path, mode_t mode, std::optional<gid_t> group);

}  // namespace deltadrop::io
