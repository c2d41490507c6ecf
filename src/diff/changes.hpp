#pragma once

#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "csv/file.hpp"
#include "diff/diff.hpp"

namespace deltadrop::diff {

/// Merges `more` into `changes`; both are in the order of the rows that `row` names.
void merge_in(std::vector<Change>& changes, const std::vector<Change>& more, RowRef Change::* row);

/// Gives those rows of changes their lines: rows of `text`, in its order.
void add_lines(std::string_view text, std::vector<Change>& changes, RowRef Change::* row);

/// What was found or read means nothing where a file was written to meanwhile. Fails as
/// csv::File::check_unchanged.
Result<void> check_unchanged(const csv::File* before, const csv::File& after);

}  // namespace deltadrop::diff
