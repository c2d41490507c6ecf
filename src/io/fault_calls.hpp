#pragma once

/// The C library's calls that change files, which test binaries replace by their own (fault_calls.cpp) to
/// trace them and to lose what is not synced. So everybody who writes is seen: io::File, SQLite, the C++
/// library.
namespace deltadrop::io::faults {

/// Does nothing; a program that calls it links the replaced calls.
void watch_calls() noexcept;

}  // namespace deltadrop::io::faults
