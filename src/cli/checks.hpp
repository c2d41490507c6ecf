#pragma once

#include <string>

/// For CLI::Option::check: what is wrong with a value and how to mend it, or "".
namespace deltadrop::cli {

/// A given but empty value, such as a shell's unset variable, must not mean all tables, now or this folder.
std::string refuse_empty(const std::string& value);

/// A whole number from 1 on that 64 bits hold.
std::string whole_number(const std::string& value);

/// A file whose size is known and that can be read twice: no folder, pipe or device.
std::string regular_file(const std::string& path);

}  // namespace deltadrop::cli
