#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "csv/fields.hpp"
#include "csv/file.hpp"
#include "diff/diff.hpp"

namespace deltadrop::diff {

/// The tracked columns of two versions side by side. Compares records value by value; reuses its buffers, so
/// one a thread.
class Comparison {
 public:
  Comparison(const csv::File& before, const csv::File& after);

  /// Records of equal bytes hold equal values.
  [[nodiscard]] bool same_layout() const { return same_layout_; }
  [[nodiscard]] bool differ(std::string_view old_record, std::string_view new_record);
  /// Names of the columns whose values differ: in the newer file's order, then removed ones in the older
  /// file's.
  void changed_columns(std::string_view old_record, std::string_view new_record,
                       std::vector<std::string_view>& names);

  /// Added in the newer file's order, then removed in the older file's; no values counted yet.
  [[nodiscard]] std::vector<SchemaChange> schema_changes() const;
  [[nodiscard]] bool has_removed_columns() const { return removed_ > 0; }
  /// Adds to the removed columns' values_lost what a row of the older version held there.
  void count_lost_values(std::string_view old_record, std::vector<SchemaChange>& changes);

 private:
  struct Pair {
    std::string_view name;
    std::optional<std::size_t> before;  ///< column number; none: absent, which equals null
    std::optional<std::size_t> after;
  };
  /// No value: null.
  using Value = std::optional<std::string_view>;

  [[nodiscard]] static Value value_of(const std::vector<std::string_view>& values,
                                      std::optional<std::size_t> column, csv::EmptyPolicy empty);
  [[nodiscard]] bool differ_in(const Pair& pair, const std::vector<std::string_view>& old_values,
                               const std::vector<std::string_view>& new_values) const;

  std::vector<Pair> pairs_;
  std::size_t removed_ = 0;
  bool same_layout_;
  csv::EmptyPolicy empty_before_;
  csv::EmptyPolicy empty_after_;
  csv::RowSplitter split_before_;
  csv::RowSplitter split_after_;
};

}  // namespace deltadrop::diff
