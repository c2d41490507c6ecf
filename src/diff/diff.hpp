#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/event.hpp"
#include "csv/file.hpp"

/// Two versions of a file -> what changed. Pure: the same files under the same options give the same changes
/// in the same order, on any machine.
namespace deltadrop::diff {

/// A row by reference: bytes [offset, offset + length) of its file's text, without the line end.
struct RowRef {
  std::uint64_t offset = 0;
  std::uint32_t length = 0;
  Line line;
};

/// One changed row. `before` counts for updates and deletes, `after` for inserts and updates.
struct Change {
  ChangeType type = ChangeType::insert;
  RowRef before;
  RowRef after;
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
/// files.
struct ChangeSet {
  std::vector<Change> changes;
  Counts counts;
  std::vector<SchemaChange>
      schema_changes;  ///< added in the new file's order, then removed in the old file's
};

struct Outcome {
  csv::Findings findings;  ///< of the new file; if any, `changes` says nothing
  ChangeSet changes;
};

struct Options {
  /// Where the keys' columns differ: delete every old row under its old key, insert every new row. Otherwise
  /// nothing.
  bool rekey = false;
  /// The older version's bytes are known to be those that were once accepted under its options: what it
  /// shares with the newer one is not looked at again. Else it is checked whole, beside the comparison.
  bool before_is_checked = false;
  /// How many rows may be looked at ahead of where the versions part, on top of a quarter of those met in
  /// step, before all rows go into a table. No outcome depends on it.
  std::int64_t look_ahead_rows = 65'536;
};

/// Reads both files whole. `before` is null for a table's first version. Validates `after` completely (every
/// finding of docs/architecture.md's list); a finding in `before` is `corrupt`, since it was accepted once.
/// Fails with conflict, type "key-changed", when the keys' columns differ and `rekey` is not set, and as
/// csv::File::check_unchanged.
Result<Outcome> diff(const csv::File* before, const csv::File& after, const Options& options = {});

/// Calls `use` for every change from the one with seq `first` on, as an event with its seq (1-based place in
/// `changes`), until it fails or returns false. Views live during the call only. Fails as `use`, and as
/// csv::File::check_unchanged.
Result<void> for_each_event(const csv::File* before, const csv::File& after, const ChangeSet& changes,
                            Seq first, const std::function<Result<bool>(const EventView&)>& use);

}  // namespace deltadrop::diff
