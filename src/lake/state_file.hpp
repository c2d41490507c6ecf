#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "history/history_reader.hpp"
#include "lake/parquet_records.hpp"

namespace deltadrop::lake {

/// A table's state that never changes again: the records at the moment from which a version holds, whatever
/// is applied later (but their valid_to, which the end of a record sets).
struct TableState {
  RecordsOf of;
  std::vector<std::string> columns;  ///< those that the version tracks, in the order of its file
};

/// The state that holds at `as_of`, of applied uploads: of_version with the last that is effective by then.
/// not_found "no-version-then" before the first one.
Result<TableState> state_at(history::HistoryReader& history, const TableRef& table,
                            std::optional<Timestamp> as_of);
/// The state of a version. A version that changed nothing is in no history: it has that of the version
/// before, and `of.version` says which. not_found "no-such-version" where there is none up to it.
Result<TableState> state_of(history::HistoryReader& history, const TableRef& table, Version version);

/// A table's state as one Parquet file, made piece by piece. Memory: one row group and one page of records,
/// whatever their number; between two pieces a part of a page. Not thread-safe.
class StateFile {
 public:
  /// `history` outlives it. Where uploads up to the state's version are not in the lake yet, this reads all
  /// records once to find the types that they need. Errors as history::HistoryReader's.
  static Result<StateFile> begin(history::HistoryReader& history, TableState state,
                                 RowGroups groups = RowGroups::large);
  StateFile(StateFile&&) noexcept;
  StateFile& operator=(StateFile&&) noexcept;
  ~StateFile();

  /// The next piece of the file; empty behind the last. After a failure there is no next piece. Errors as
  /// `begin`'s and ParquetRecords::append's.
  Result<std::string> next();
  /// Records in the pieces so far.
  [[nodiscard]] std::int64_t rows() const;

 private:
  struct Parts;
  explicit StateFile(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace deltadrop::lake
