#include "diff/changes.hpp"

#include <algorithm>
#include <cstddef>

#include "diff/loose_rows.hpp"

namespace deltadrop::diff {

void merge_in(std::vector<Change>& changes, const std::vector<Change>& more, RowRef Change::* row) {
  const auto middle = std::ssize(changes);
  changes.insert(changes.end(), more.begin(), more.end());
  std::inplace_merge(
      changes.begin(), changes.begin() + middle, changes.end(),
      [row](const Change& a, const Change& b) { return (a.*row).offset() < (b.*row).offset(); });
}

void add_lines(std::string_view text, std::vector<Change>& changes, RowRef Change::* row) {
  LineSweep lines(text);
  for (Change& change : changes) (change.*row).set_line(lines.at((change.*row).offset()));
}

Result<void> check_unchanged(const csv::File* before, const csv::File& after) {
  if (before != nullptr) {
    DD_TRY(before->check_unchanged());
  }
  return after.check_unchanged();
}

}  // namespace deltadrop::diff
