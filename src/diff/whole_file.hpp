#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "csv/file.hpp"
#include "csv/key_reader.hpp"
#include "csv/row_check.hpp"
#include "diff/diff.hpp"
#include "diff/key_order.hpp"
#include "diff/loose_rows.hpp"

namespace deltadrop::diff {

/// The rows of one file in the file's order. 16 bytes a row: row bytes and keys stay in the file.
class RowList {
 public:
  RowList() = default;
  /// Room for about as many rows as `text` seems to have.
  explicit RowList(std::string_view text);

  [[nodiscard]] std::size_t size() const { return rows_.size(); }
  [[nodiscard]] RowRef operator[](std::size_t number) const {
    const PackedRow& packed = rows_[number];
    const std::uint64_t line = std::uint64_t{packed.line_high} << 32 | packed.line_low;
    return RowRef{packed.offset, packed.length, Line(static_cast<std::int64_t>(line))};
  }
  void add(const RowRef& row);

 private:
  struct PackedRow {
    std::uint64_t offset : 40;
    std::uint64_t line_high : 24;
    std::uint32_t line_low;
    std::uint32_t length;
  };
  static_assert(sizeof(PackedRow) == 16);
  std::vector<PackedRow> rows_;
};

/// About how many rows a text has, from pieces all over it: a first part of short lines says nothing of what
/// follows, and memory is set aside by this.
std::size_t estimated_rows(std::string_view text);

/// A file read by itself, from its first row to its last: finds everything that is wrong with it, also
/// repeated keys. While keys come in increasing order, that needs no table.
class WholeFile {
 public:
  /// Logs what is wrong to `findings`. With CheckScope::shape it stops at the first.
  WholeFile(const csv::File& file, csv::CheckScope scope, csv::FindingLog& findings);

  void read();
  /// Those that can be used.
  [[nodiscard]] const RowList& rows() const { return rows_; }
  /// All records, also those that cannot be used.
  [[nodiscard]] std::int64_t records() const { return records_; }

 private:
  void take(const csv::Row& row);
  void start_table();
  std::string_view stored_key(std::size_t number);

  const csv::File& file_;
  csv::CheckScope scope_;
  csv::FindingLog& findings_;
  csv::RowCheck check_;
  std::optional<csv::KeyReader> key_reader_;  ///< none where the header names no key
  std::optional<csv::KeyReader> stored_key_reader_;
  RowList rows_;
  KeyTable table_;
  KeyOrder order_;
  bool increasing_ = true;
  std::int64_t records_ = 0;
};

/// Up to `findings_max` findings of a file and its header.
csv::Findings everything_wrong_with(const csv::File& file, csv::CheckScope scope, std::size_t findings_max);

}  // namespace deltadrop::diff
