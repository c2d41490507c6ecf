#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "csv/file.hpp"
#include "diff/diff.hpp"

namespace deltadrop::cli {

enum class DiffFormat : std::uint8_t {
  text,  ///< for people: one line a row that came or went, one a changed value, then a summary
  json,  ///< one object a change and line
  csv,   ///< change,key,column,old,new: one record a value
};

/// Control characters, and those that change the direction of writing, as \xNN or \u{NNNN}, so that data
/// cannot drive a terminal.
std::string terminal_safe(std::string_view text);

/// What of a file was not read as rows, such as "3 blank rows"; empty if everything was.
std::string skipped_text(const csv::Skipped& skipped);

/// Writes the changes to standard output. `equal_numbers`: where values are compared as numbers. unavailable
/// "output-failed" where that fails.
Result<void> write_changes(const csv::File& before, const csv::File& after, const diff::ChangeSet& changes,
                           const diff::EqualNumbers* equal_numbers, DiffFormat format);

/// Writes how many changes there are, and what became of the columns: as a line for people, a JSON object, or
/// a CSV record under its header. Errors as write_changes.
Result<void> write_summary(const diff::ChangeSet& changes, const diff::EqualNumbers* equal_numbers,
                           DiffFormat format);

}  // namespace deltadrop::cli
