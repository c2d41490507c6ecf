#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "csv/file.hpp"
#include "diff/diff.hpp"

namespace deltadrop::cli {

enum class DiffFormat : std::uint8_t {
  text,  ///< for people: one line per inserted or deleted row and per changed value, then a summary
  json,  ///< one object per change and line
  csv,   ///< change,key,column,old,new: one record per value
};

/// Returns the text with control characters, and characters that change the writing direction, as \xNN or
/// \u{NNNN}, so that data cannot control a terminal.
std::string terminal_safe(std::string_view text);

/// Describes the parts of a file that were not read as rows, such as "3 blank rows". Returns "" if there are
/// none.
std::string skipped_text(const csv::Skipped& skipped);

/// Writes the changes to standard output. `equal_numbers` is null unless values are compared as numbers.
/// Fails with unavailable "output-failed".
Result<void> write_changes(const csv::File& before, const csv::File& after, const diff::ChangeSet& changes,
                           const diff::EqualNumbers* equal_numbers, DiffFormat format);

/// Writes the number of changes and the changes of columns: as a line for people, a JSON object, or a CSV
/// record under its header. Fails as write_changes does.
Result<void> write_summary(const diff::ChangeSet& changes, const diff::EqualNumbers* equal_numbers,
                           DiffFormat format);

}  // namespace deltadrop::cli
