#pragma once

#include <cstdint>
#include <map>
#include <string_view>
#include <vector>

#include "xlsx/cell_text.hpp"

namespace deltadrop::xlsx {

/// The merged ranges of a sheet: tells which cells another one covers. Ask in the order of the rows.
class MergedCells {
 public:
  struct Range {
    CellPlace first;
    CellPlace last;
  };

  /// Takes "B2:C5". False if it is not a range.
  [[nodiscard]] bool add(std::string_view reference);
  [[nodiscard]] bool empty() const { return ranges_.empty(); }
  [[nodiscard]] std::size_t size() const { return ranges_.size(); }
  /// Call it once, after the last add(). Returns how many ranges overlap an earlier one; those count for
  /// nothing.
  std::size_t sort();
  /// Whether the cell is in a range, and not its first.
  [[nodiscard]] bool covers(CellPlace place);

 private:
  void enter_row(std::uint32_t row);
  /// The active range that ends at or after `column`, if it begins at or before `last_column`.
  [[nodiscard]] bool is_taken(std::uint32_t column, std::uint32_t last_column, std::uint32_t row);

  std::vector<Range> ranges_;              ///< after sort(), by their first row
  std::size_t next_ = 0;                   ///< the first range that begins after the row asked about
  std::map<std::uint32_t, Range> active_;  ///< by their last column; some may have ended
};

}  // namespace deltadrop::xlsx
