#pragma once

/// Replaces the C library's calls that change files (fault_calls.cpp). Test binaries use it to trace these
/// calls and to lose what is not synced. It sees every writer: io::File, SQLite and the C++ library.
namespace deltadrop::io::faults {

/// Does nothing. A call to it links the replaced calls into the program.
void watch_calls() noexcept;

}  // namespace deltadrop::io::faults
