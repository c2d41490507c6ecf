#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "history/history_reader.hpp"
#include "lake/parquet_records.hpp"

namespace deltadrop::lake {

/// A table's state at the time from which a version is valid. Later uploads do not change its records, except
/// that the end of a record sets valid_to.
struct TableState {
  RecordsOf of;
  std::vector<std::string> columns;  ///< the columns that the version tracks, in the order of its file
};

/// Returns the state of the last applied version that is effective at `as_of`. Fails with not_found, type
/// "no-version-then", before the first version.
Result<TableState> state_at(history::HistoryReader& history, const TableRef& table,
                            std::optional<Timestamp> as_of);
/// Returns the state of a version. The history does not contain a version without changes. Such a version has
/// the state of the previous one, which `of.version` names. Fails with not_found, type "no-such-version", if
/// there is no version up to it.
Result<TableState> state_of(history::HistoryReader& history, const TableRef& table, Version version);

/// Writes a table's state as one Parquet file, piece by piece. Memory: one row group and one page of records,
/// and between two pieces a part of a page. Not thread-safe.
class StateFile {
 public:
  /// `history` must outlive the object. If uploads up to the state's version are not in the lake yet, this
  /// reads all records once to find the column types. Errors as history::HistoryReader's.
  static Result<StateFile> begin(history::HistoryReader& history, TableState state,
                                 RowGroups groups = RowGroups::large);
  StateFile(StateFile&&) noexcept;
  StateFile& operator=(StateFile&&) noexcept;
  ~StateFile();

  /// Returns the next piece of the file, or "" after the last. Must not be called after a failure. Errors as
  /// `begin`'s and ParquetRecords::append's.
  Result<std::string> next();
  /// Returns the number of records in the pieces so far.
  [[nodiscard]] std::int64_t rows() const;

 private:
  struct Parts;
  explicit StateFile(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace deltadrop::lake
