#pragma once

#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "csv/file.hpp"
#include "diff/diff.hpp"

namespace deltadrop::diff {

/// Merges `more` into `changes`. Both are sorted by the row that `row` selects.
void merge_in(std::vector<Change>& changes, const std::vector<Change>& more, RowRef Change::* row);

/// Sets the line numbers of the rows that `row` selects. They are rows of `text`, in its order.
void add_lines(std::string_view text, std::vector<Change>& changes, RowRef Change::* row);

/// Fails as csv::File::check_unchanged if a file was written to since it was opened; earlier results are then
/// invalid. `before` may be null.
Result<void> check_unchanged(const csv::File* before, const csv::File& after);

}  // namespace deltadrop::diff
