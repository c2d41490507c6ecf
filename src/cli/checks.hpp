#pragma once

#include <string>

/// Checks for CLI::Option::check. Each returns the problem and its fix, or "" if the value is valid.
namespace deltadrop::cli {

/// Rejects an empty value. An unset shell variable must not silently mean all tables, now or the current
/// folder.
std::string refuse_empty(const std::string& value);

/// Accepts a whole number from 1 to 2^63 - 1.
std::string whole_number(const std::string& value);

/// Accepts a regular file, whose size is known and which can be read twice; rejects folders, pipes and
/// devices.
std::string regular_file(const std::string& path);

}  // namespace deltadrop::cli
