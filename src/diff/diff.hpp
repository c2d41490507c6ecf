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

/// Computes the changes between two versions of a file. The result is deterministic: the same files under the
/// same options have the same changes in the same order on any machine.
namespace deltadrop::diff {

/// A reference to a row: bytes [offset, offset + length) of its file's text, without the line end. It is
/// packed, because there may be one for each row. Texts have less than 2^40 bytes.
class RowRef {
 public:
  /// Refers to no row. Real rows are never empty.
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

/// One changed row: its older and its newer version.
struct Change {
  RowRef before;  ///< none for an insert
  RowRef after;   ///< none for a delete

  [[nodiscard]] ChangeType type() const {
    if (before.is_none()) return ChangeType::insert;
    return after.is_none() ? ChangeType::remove : ChangeType::update;
  }
};

struct SchemaChange {
  std::string column;
  bool added = false;  ///< if false, the column is removed
  /// For a removed column, the number of rows of the older version that have a value in it. The guard uses
  /// it.
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

/// The changes between two versions: deletes in the old file's order, then inserts and updates in the new
/// file's order. They refer to rows of both files. If all rows are deleted or inserted, the set does not list
/// them; they are read again.
struct ChangeSet {
  std::vector<Change> listed;
  RowPlaces deleted;   ///< all rows of the old file if the key changed; `listed` is then empty
  RowPlaces inserted;  ///< all rows of the new file if it is a first version or the key changed
  Counts counts;
  std::vector<SchemaChange> schema_changes;  ///< see Comparison::schema_changes()
};

/// Counts different texts that are equal numbers under ReadOptions::compare, in rows that both versions have.
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
  csv::Findings findings;  ///< findings of the new file; if there are any, `changes` is meaningless
  ChangeSet changes;
  /// Warnings about the new file, if there are no findings. `total` counts values.
  csv::Findings warnings;
  csv::Skipped skipped;  ///< counts of the new file, if there are no findings
  EqualNumbers equal_numbers;
};

struct Options {
  /// If the key columns differ, delete every old row under its old key and insert every new row. If they are
  /// equal, the option has no effect.
  bool rekey = false;
  /// The older version is known to have the bytes that were accepted under its options, so the text that it
  /// shares with the newer version is not checked again. If false, the whole older version is checked during
  /// the comparison.
  bool before_is_checked = false;
  /// The older version is known to have no blank lines below its header and to have its header once, so the
  /// shared text is not searched for such lines. If false, it is searched or read during the comparison.
  bool before_has_only_rows = false;
  /// Also report the warnings that need another pass over rows: declared types, and keys that look alike. A
  /// version that was accepted earlier does not need them.
  bool warns = true;
  /// The number of rows to read ahead after the versions diverge, on top of a quarter of the rows met in
  /// step, before all rows go into a hash table. It does not affect the outcome.
  std::int64_t look_ahead_rows = 65'536;
  /// Checked about every MiB of text. If it is requested, the comparison fails with its reason.
  Stop stop = {};
};

/// Compares two versions of a table. `before` is null for the first version. Validates all of `after` and
/// returns its findings.
///
/// Fails with conflict, type "key-changed", if the key columns differ and `rekey` is false; with corrupt if
/// `before`, which was accepted earlier, has findings; and as csv::File::check_unchanged.
Result<Outcome> diff(const csv::File* before, const csv::File& after, const Options& options = {});

/// Calls `use` with an event for each change from sequence number `first` on, until `use` fails or returns
/// false. The sequence number is the position in `changes`, from 1. Views are valid during the call only.
/// Fails as `use`, as csv::File::check_unchanged, and with unavailable, type "file-changed", if a row cannot
/// be read again.
Result<void> for_each_event(const csv::File* before, const csv::File& after, const ChangeSet& changes,
                            Seq first, const std::function<Result<bool>(const EventView&)>& use);

}  // namespace deltadrop::diff
