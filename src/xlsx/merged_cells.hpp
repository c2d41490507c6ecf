#pragma once

#include <cstdint>
#include <map>
#include <string_view>
#include <vector>

#include "xlsx/cell_text.hpp"

namespace deltadrop::xlsx {

/// The merged ranges of a sheet. Finds the cells that are covered by another cell.
class MergedCells {
 public:
  struct Range {
    CellPlace first;
    CellPlace last;
  };

  /// Adds a range such as "B2:C5". Returns false if `reference` is not a range.
  [[nodiscard]] bool add(std::string_view reference);
  [[nodiscard]] bool empty() const { return ranges_.empty(); }
  [[nodiscard]] std::size_t size() const { return ranges_.size(); }
  /// Sorts the ranges and drops those that overlap an earlier one. Returns the number of dropped ranges. Call
  /// it once, after the last add().
  std::size_t sort();
  /// Returns true if the cell is in a range but is not its first cell. Rows must not decrease from call to
  /// call.
  [[nodiscard]] bool covers(CellPlace place);

 private:
  void enter_row(std::uint32_t row);
  /// Returns true if an active range overlaps the columns from `column` to `last_column`.
  [[nodiscard]] bool is_taken(std::uint32_t column, std::uint32_t last_column, std::uint32_t row);

  std::vector<Range> ranges_;              ///< sorted by first row after sort()
  std::size_t next_ = 0;                   ///< the first range that begins after the current row
  std::map<std::uint32_t, Range> active_;  ///< by last column; some may have ended
};

}  // namespace deltadrop::xlsx
