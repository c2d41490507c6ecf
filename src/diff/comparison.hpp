#pragma once

#include <cstddef>
#include <cstdint>
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
  /// Notes equal numbers. The newer file's options say what is equal.
  [[nodiscard]] bool differ(std::string_view old_record, std::string_view new_record);
  /// Of the records that `differ` was called for.
  [[nodiscard]] const EqualNumbers& equal_numbers() const { return equal_numbers_; }
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
    std::optional<std::uint32_t> numbers;  ///< place in number_types_; none: values are texts
  };
  /// How the numbers of a column are written.
  struct NumberTypes {
    DeclaredType before;
    DeclaredType after;
  };
  /// No value: null.
  using Value = std::optional<std::string_view>;

  [[nodiscard]] static Value value_of(const std::vector<std::string_view>& values,
                                      std::optional<std::size_t> column, csv::EmptyPolicy empty);
  [[nodiscard]] bool differ_in(const Pair& pair, const std::vector<std::string_view>& old_values,
                               const std::vector<std::string_view>& new_values);
  void compare_as_numbers(const csv::File& before, const csv::File& after);
  /// Of two texts that are not the same.
  [[nodiscard]] bool numbers_differ(const NumberTypes& types, std::string_view old_value,
                                    std::string_view new_value);

  std::vector<Pair> pairs_;
  std::size_t removed_ = 0;
  bool same_layout_;
  bool compares_numbers_ = false;
  std::vector<NumberTypes> number_types_;
  Decimal tolerance_;
  EqualNumbers equal_numbers_;
  csv::EmptyPolicy empty_before_;
  csv::EmptyPolicy empty_after_;
  csv::RowSplitter split_before_;
  csv::RowSplitter split_after_;
};

}  // namespace deltadrop::diff
