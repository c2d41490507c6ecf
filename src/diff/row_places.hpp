#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "csv/file.hpp"
#include "csv/scan.hpp"

namespace deltadrop::diff {

/// Represents all rows of a file by the positions of a few. The rows can be read again in order from any row
/// on. The caller that fills it has checked the rows.
class RowPlaces {
 public:
  /// Call it for every row, in the file's order.
  void add(const csv::Row& row) {
    if (size_ % kRowsApart == 0) places_.push_back({row.offset, row.line});
    ++size_;
  }
  [[nodiscard]] std::size_t size() const { return size_; }
  /// Returns a scanner before row `number`, counted from 0. `number` must be less than size().
  [[nodiscard]] csv::RowScanner scanner_at(const csv::File& file, std::size_t number) const;

 private:
  struct Place {
    std::uint64_t offset;
    Line line;
  };
  /// Scanning so many rows is cheap compared with rendering a page. The positions of a billion rows take 16
  /// MB.
  static constexpr std::size_t kRowsApart = 1024;

  std::vector<Place> places_;
  std::size_t size_ = 0;
};

}  // namespace deltadrop::diff
