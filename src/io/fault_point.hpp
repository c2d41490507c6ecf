#pragma once

#include <filesystem>
#include <string_view>

namespace deltadrop::io {

/// A named place where a test may kill the process or make a call fail; `path` is the file or folder that the
/// call concerns, empty where there is none. The shipped binary links fault_points_off.cpp, in which this is
/// always 0; test binaries link fault_points_on.cpp, which reads DELTADROP_FAULT:
///
///     kill:archive.renamed:1           SIGKILL at the first arrival at that point
///     kill:*:17                        SIGKILL at the 17th arrival at any point
///     fail:fsync:3:EIO                 the 3rd arrival returns EIO, and so the call that follows is not made
///     fail:fsync@/archive/:3:EIO       the same, counting only arrivals whose path contains "/archive/"
///
/// With DELTADROP_FAULT_ROOT, a folder without symbolic links in its path, the calls that change files below
/// it are watched, whoever makes them (docs/decisions/0023-power-failures-in-tests.md):
///
///     trace:FILE                       a line for each call and each fault point: name, path, other path
///     power:17                         SIGKILL before the 17th call, with everything undone that was not
///     synced power:rename@/parquet/:1:names   before the 1st such call; all names survive, only bytes are
///     lost
///
/// Returns 0, or the errno that the caller must report as if the system had.
int fault_point(std::string_view name, const std::filesystem::path& path) noexcept;

}  // namespace deltadrop::io
