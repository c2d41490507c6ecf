#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/event.hpp"
#include "core/stop.hpp"
#include "csv/file.hpp"
#include "csv/scan.hpp"
#include "diff/row_places.hpp"

/// Two versions of a file -> what changed. Pure: the same files under the same options give the same changes
/// in the same order, on any machine.
namespace deltadrop::diff {

/// A row by reference: bytes [offset, offset + length) of its file's text, without the line end. Packed, as
/// there may be as many as rows: texts have less than 2^40 bytes.
class RowRef {
 public:
  /// No row: none is without bytes.
  RowRef() = default;
  RowRef(std::uint64_t offset, std::uint32_t length, Line line)
      : offset_(offset & kOffsetMax), length_(length) {
    set_line(line);
  }
  explicit RowRef(const csv::Row& row)
      : RowRef(row.offset, static_cast<std::uint32_t>(row.bytes.size()), row.line) {}

  [[nodiscard]] bool is_none() const { return length_ == 0; }
  [[nodiscard]] std::uint64_t offset() const { return offset_; }
  [[nodiscard]] std::uint32_t length() const { return length_; }
  /// The row's bytes in its file's text.
  [[nodiscard]] std::string_view in(std::string_view text) const { return text.substr(offset_, length_); }
  [[nodiscard]] Line line() const {
    return Line(static_cast<std::int64_t>(std::uint64_t{line_high_} << 32 | line_low_));
  }
  void set_line(Line line) {
    const auto value = static_cast<std::uint64_t>(line.value);
    line_high_ = (value >> 32) & 0xFFFFFF;
    line_low_ = static_cast<std::uint32_t>(value);
  }

 private:
  static constexpr std::uint64_t kOffsetMax = (std::uint64_t{1} << 40) - 1;

  std::uint64_t offset_ : 40 = 0;
  std::uint64_t line_high_ : 24 = 0;
  std::uint32_t line_low_ = 0;
  std::uint32_t length_ = 0;
};
static_assert(sizeof(RowRef) == 16);

/// One changed row, as it was and as it is.
struct Change {
  RowRef before;  ///< none: it is inserted
  RowRef after;   ///< none: it is deleted

  [[nodiscard]] ChangeType type() const {
    if (before.is_none()) return ChangeType::insert;
    return after.is_none() ? ChangeType::remove : ChangeType::update;
  }
};

struct SchemaChange {
  std::string column;
  bool added = false;  ///< else removed
  /// How many rows of the older version held a value there (for removed ones; the guard asks).
  std::int64_t values_lost = 0;
  bool operator==(const SchemaChange&) const = default;
};

struct Counts {
  std::int64_t rows_before = 0;
  std::int64_t rows = 0;
  std::int64_t inserted = 0;
  std::int64_t updated = 0;
  std::int64_t deleted = 0;

  [[nodiscard]] std::int64_t changes() const { return inserted + updated + deleted; }
  bool operator==(const Counts&) const = default;
};

/// Deletes in the old file's order, then inserts and updates in the new file's order; references into both
/// files. Where all rows are deleted or inserted, they are not listed, but read again.
struct ChangeSet {
  std::vector<Change> listed;
  RowPlaces deleted;   ///< all rows of the old file, under another key; then nothing is listed
  RowPlaces inserted;  ///< all rows of the new file, as a first version or under another key
  Counts counts;
  std::vector<SchemaChange>
      schema_changes;  ///< added in the new file's order, then removed in the old file's
};

/// Values of rows that both versions have, which are equal numbers under ReadOptions::compare.
struct EqualNumbers {
  std::int64_t written_differently = 0;  ///< the same number as another text
  std::int64_t within_tolerance = 0;     ///< another number

  void add(const EqualNumbers& others) {
    written_differently += others.written_differently;
    within_tolerance += others.within_tolerance;
  }
  bool operator==(const EqualNumbers&) const = default;
};

struct Outcome {
  csv::Findings findings;  ///< of the new file; if any, `changes` says nothing
  ChangeSet changes;
  /// Of the new file, where there are no findings: what was read, and may not be meant. `total` counts
  /// values.
  csv::Findings warnings;
  csv::Skipped skipped;  ///< of the new file, likewise
  EqualNumbers equal_numbers;
};

struct Options {
  /// Where the keys' columns differ: delete every old row under its old key, insert every new row. Otherwise
  /// nothing.
  bool rekey = false;
  /// The older version's bytes are known to be those that were once accepted under its options: what it
  /// shares with the newer one is not looked at again. Else it is checked whole, beside the comparison.
  bool before_is_checked = false;
  /// The older version is known to have no blank lines below its header, and its header once: what it shares
  /// with the newer one is not searched for such. Else it is searched, or read beside the comparison.
  bool before_has_only_rows = false;
  /// Whether Outcome::warnings is filled where that takes another look at the rows: declared types, and keys
  /// that look alike. Not needed of a version that was accepted once.
  bool warns = true;
  /// How many rows may be looked at ahead of where the versions part, on top of a quarter of those met in
  /// step, before all rows go into a table. No outcome depends on it.
  std::int64_t look_ahead_rows = 65'536;
  /// Asked about every MiB of text. Then the comparison fails with its reason.
  Stop stop = {};
};

/// Reads both files whole. `before` is null for a table's first version. Validates `after` completely
/// and returns every finding; a finding in `before` is `corrupt`, since it was accepted once.
/// Fails with conflict, type "key-changed", when the keys' columns differ and `rekey` is not set, and as
/// csv::File::check_unchanged.
Result<Outcome> diff(const csv::File* before, const csv::File& after, const Options& options = {});

/// Calls `use` for every change from the one with seq `first` on, as an event with its seq (1-based place in
/// `changes`), until it fails or returns false. Views live during the call only. Fails as `use`, as
/// csv::File::check_unchanged, and with the same where rows cannot be read again.
Result<void> for_each_event(const csv::File* before, const csv::File& after, const ChangeSet& changes,
                            Seq first, const std::function<Result<bool>(const EventView&)>& use);

}  // namespace deltadrop::diff
