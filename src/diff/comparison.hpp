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

/// Pairs the tracked columns of two versions and compares records value by value. Reuses its buffers; each
/// thread needs its own.
class Comparison {
 public:
  Comparison(const csv::File& before, const csv::File& after);

  /// Returns true if records with equal bytes have equal values.
  [[nodiscard]] bool same_layout() const { return same_layout_; }
  /// Returns true if a value differs under the newer file's options. Counts equal numbers.
  [[nodiscard]] bool differ(std::string_view old_record, std::string_view new_record);
  /// The equal numbers in the records that were passed to `differ`.
  [[nodiscard]] const EqualNumbers& equal_numbers() const { return equal_numbers_; }
  /// Writes the names of the columns whose values differ to `names`: first those of the newer file in its
  /// order, then removed columns in the older file's order.
  void changed_columns(std::string_view old_record, std::string_view new_record,
                       std::vector<std::string_view>& names);

  /// Returns the added columns in the newer file's order, then the removed ones in the older file's order.
  /// Their values_lost is 0.
  [[nodiscard]] std::vector<SchemaChange> schema_changes() const;
  [[nodiscard]] bool has_removed_columns() const { return removed_ > 0; }
  /// Adds the values that a row of the older version has in removed columns to their values_lost.
  void count_lost_values(std::string_view old_record, std::vector<SchemaChange>& changes);

 private:
  struct Pair {
    std::string_view name;
    std::optional<std::size_t> before;  ///< column index; an absent column equals null
    std::optional<std::size_t> after;
    std::optional<std::uint32_t> numbers;  ///< index in number_types_; if absent, values are texts
  };
  /// The number formats of a column in both versions.
  struct NumberTypes {
    DeclaredType before;
    DeclaredType after;
  };
  /// A value, or nothing for null.
  using Value = std::optional<std::string_view>;

  [[nodiscard]] static Value value_of(const std::vector<std::string_view>& values,
                                      std::optional<std::size_t> column, csv::EmptyPolicy empty);
  [[nodiscard]] bool differ_in(const Pair& pair, const std::vector<std::string_view>& old_values,
                               const std::vector<std::string_view>& new_values);
  void compare_as_numbers(const csv::File& before, const csv::File& after);
  /// Compares two different texts as numbers.
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
