#pragma once

#include <string>
#include <string_view>

/// Parses DELTADROP_FAULT; see fault_point.hpp. Only test binaries link this.
namespace deltadrop::io::faults {

enum class Kind { none, kill, fail, trace, power };

struct Plan {
  Kind kind = Kind::none;
  std::string point;           ///< "*" means any point
  std::string path_part;       ///< a part that the path must contain
  long arrival = 0;            ///< 0 means never
  int error = 0;               ///< the errno of a `fail` plan
  bool names_survive = false;  ///< of a `power` plan
  std::string trace_file;
  std::string root;  ///< of `trace` and `power`: DELTADROP_FAULT_ROOT, the directory whose files are watched
};

/// Reads the plan once. An invalid plan aborts the process.
const Plan& plan();

/// Counts an arrival at a matching point. Returns whether the plan strikes at this one. Thread-safe.
bool strikes(std::string_view point, std::string_view path);

/// Appends a line to the trace file, if the plan is a trace. `other` is the second path of a rename or a
/// link.
void trace(std::string_view point, std::string_view path, std::string_view other = {});

}  // namespace deltadrop::io::faults
