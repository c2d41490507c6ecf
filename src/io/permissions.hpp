#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "core/result.hpp"

/// Who may read what this process makes: docs/decisions/0031-who-may-read-data-dir.md.
namespace deltadrop::io {

/// For whom a file or folder is made.
enum class Readers : std::uint8_t {
  as_closed,  ///< by the mode wanted, without what close_to_others took away
  by_umask  ///< by the mode wanted and the umask that the process was started with: it is for other programs
};

/// The number of a group that is given by its name or number. invalid_input, type "no-such-group".
Result<gid_t> find_group(std::string_view name_or_number);

enum class Group : std::uint8_t { none, reads };

/// From now on what this process makes is closed to all other users: folders have mode 0700, files 0600 (0400
/// where they are read-only). With Group::reads the group that a file gets from its folder may read it: 0750,
/// 0640, 0440. Sets the process's umask too, for what libraries make. Call it while no other thread makes
/// files. The last call counts.
void close_to_others(Group group);

/// `mode` without what close_to_others took away.
mode_t closed_mode(mode_t mode);
/// `mode` by the umask that the process was started with.
mode_t mode_by_umask(mode_t mode);

/// What may be done with a file or folder, and by whom.
struct Ownership {
  mode_t mode = 0;  ///< the last twelve bits
  uid_t user = 0;
  gid_t group = 0;
};
/// Errors as io's; not_found where there is none.
Result<Ownership> ownership_of(const std::filesystem::path& path);

/// Changes what differs. Do not call it with a symbolic link: what it names is changed.
Result<void> set_ownership(const std::filesystem::path& path, mode_t mode, std::optional<gid_t> group);

}  // namespace deltadrop::io
