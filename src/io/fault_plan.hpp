#pragma once

#include <string>
#include <string_view>

/// What DELTADROP_FAULT asks for; see fault_point.hpp. Only test binaries link this.
namespace deltadrop::io::faults {

enum class Kind { none, kill, fail, trace, power };

struct Plan {
  Kind kind = Kind::none;
  std::string point;           ///< "*": any
  std::string path_part;       ///< what the path has to contain
  long arrival = 0;            ///< 0: never
  int error = 0;               ///< of fail
  bool names_survive = false;  ///< of power
  std::string trace_file;
  std::string root;  ///< trace and power: the folder whose files are watched, DELTADROP_FAULT_ROOT
};

/// Read once; an invalid plan ends the process.
const Plan& plan();

/// Whether this is the arrival at which the plan strikes. Thread-safe.
bool strikes(std::string_view point, std::string_view path);

/// Appends a line to the trace; nothing without one. `other`: the second path of a rename or a link.
void trace(std::string_view point, std::string_view path, std::string_view other = {});

}  // namespace deltadrop::io::faults
