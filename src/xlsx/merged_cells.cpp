#include "xlsx/merged_cells.hpp"

#include <algorithm>
#include <tuple>

namespace deltadrop::xlsx {

bool MergedCells::add(std::string_view reference) {
  const std::size_t colon = reference.find(':');
  const auto first = parse_cell_place(reference.substr(0, colon));
  const auto last = colon == std::string_view::npos ? first : parse_cell_place(reference.substr(colon + 1));
  if (!first || !last || last->row < first->row || last->column < first->column) return false;
  if (*first != *last) ranges_.push_back({*first, *last});
  return true;
}

bool MergedCells::is_taken(std::uint32_t column, std::uint32_t last_column, std::uint32_t row) {
  auto found = active_.lower_bound(column);
  while (found != active_.end() && found->second.last.row < row) found = active_.erase(found);
  return found != active_.end() && found->second.first.column <= last_column;
}

std::size_t MergedCells::sort() {
  std::stable_sort(ranges_.begin(), ranges_.end(), [](const Range& a, const Range& b) {
    return std::tie(a.first.row, a.first.column) < std::tie(b.first.row, b.first.column);
  });
  std::vector<Range> kept;
  for (const Range& range : ranges_) {
    if (is_taken(range.first.column, range.last.column, range.first.row)) continue;
    active_[range.last.column] = range;
    kept.push_back(range);
  }
  active_.clear();
  const std::size_t dropped = ranges_.size() - kept.size();
  ranges_ = std::move(kept);
  return dropped;
}

void MergedCells::enter_row(std::uint32_t row) {
  while (next_ < ranges_.size() && ranges_[next_].first.row <= row) {
    const Range& range = ranges_[next_++];
    if (range.last.row >= row) active_[range.last.column] = range;
  }
}

bool MergedCells::covers(CellPlace place) {
  enter_row(place.row);
  if (!is_taken(place.column, place.column, place.row)) return false;
  return active_.lower_bound(place.column)->second.first != place;
}

}  // namespace deltadrop::xlsx
