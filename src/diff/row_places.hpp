#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "csv/file.hpp"
#include "csv/scan.hpp"

namespace deltadrop::diff {

/// All rows of a file, without a list of them: they are read again, in order and from any of them on, by the
/// places of a few. Whoever fills it has checked them.
class RowPlaces {
 public:
  /// Rows are added in the file's order, each of them.
  void add(const csv::Row& row) {
    if (size_ % kRowsApart == 0) places_.push_back({row.offset, row.line});
    ++size_;
  }
  [[nodiscard]] std::size_t size() const { return size_; }
  /// Stands before row `number`, counted from 0, which is one of the file's.
  [[nodiscard]] csv::RowScanner scanner_at(const csv::File& file, std::size_t number) const;

 private:
  struct Place {
    std::uint64_t offset;
    Line line;
  };
  /// Scanning past as many is little beside rendering a page of them; the places of a billion rows are 16 MB.
  static constexpr std::size_t kRowsApart = 1024;

  std::vector<Place> places_;
  std::size_t size_ = 0;
};

}  // namespace deltadrop::diff
