#pragma once

#include <filesystem>
#include <string_view>

namespace deltadrop::io {

/// A named point at which a test may kill the process or make a call fail. `path` is the file or directory of
/// the call, or empty. The shipped binary links fault_points_off.cpp, which always returns 0. Test binaries
/// link fault_points_on.cpp, which reads DELTADROP_FAULT:
///
///     kill:archive.renamed:1           SIGKILL at the first arrival at that point
///     kill:*:17                        SIGKILL at the 17th arrival at any point
///     fail:fsync:3:EIO                 the 3rd arrival returns EIO, and the caller skips its system call
///     fail:fsync@/archive/:3:EIO       the same, but counts only arrivals whose path contains "/archive/"
///
/// DELTADROP_FAULT_ROOT names a directory whose path has no symbolic links. These plans watch all calls that
/// change files below it, from any code (docs/decisions/0023-power-failures-in-tests.md):
///
///     trace:FILE                       a line for each call and each fault point: name, path, other path
///     power:17                         SIGKILL before the 17th call; undoes every change that is not synced
///     power:rename@/parquet/:1:names   the same before the 1st such call; loses bytes but keeps all names
///
/// Returns 0, or the errno that the caller must report as if its system call had failed.
int fault_point(std::string_view name, const std::filesystem::path& path) noexcept;

}  // namespace deltadrop::io
