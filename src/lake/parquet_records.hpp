#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "lake/notations.hpp"
#include "lake/parquet_file.hpp"
#include "lake/table_columns.hpp"

namespace deltadrop::lake {

/// Identifies the records in a file: those of the table at `as_of`, when `version` was current.
struct RecordsOf {
  TableRef table;
  Version version;
  Timestamp as_of;
};

/// The size of a row group, which is held in memory until it is written.
enum class RowGroups : std::uint8_t {
  large,    ///< the size that suits readers: 64 MiB of values
  growing,  ///< 1 MiB at first, then a 64th of the bytes written so far, up to 16 MiB; for slow readers
};

/// Returns the names of Deltadrop's own columns in order: key, valid_from, valid_to, version, upload_id. A
/// name that `data_names` contains, ignoring case, gets `_` prefixes until it is unique.
std::vector<std::string> own_record_columns(const std::vector<std::string>& data_names);

/// Writes one Parquet file of records: docs/lake.md. Memory as ParquetFile's. Not thread-safe.
class ParquetRecords {
 public:
  /// `columns` are all columns that a record may have. `shown` are the names of the file's columns in order.
  static Result<ParquetRecords> create(ByteSink sink, const RecordsOf& what, const TableColumns& columns,
                                       const std::vector<std::string>& shown, RowGroups groups,
                                       RecordNotations notations);
  ParquetRecords(ParquetRecords&&) noexcept;
  ParquetRecords& operator=(ParquetRecords&&) noexcept;
  /// The bytes of an unfinished file are unreadable.
  ~ParquetRecords();

  /// Appends a record. Records arrive by key in byte order. Fails with conflict, type "state-moved", if a
  /// value does not fit its column, and with corrupt, type "lake-event", if the record has an unknown column.
  /// Also fails if the sink fails.
  Result<void> append(const history::StoredRecord& record);
  /// Writes the footer. After a failure of this or `append`, the object must not be used.
  Result<void> finish();

 private:
  struct State;
  explicit ParquetRecords(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// Returns the record as the event that opened it, with the fields that EventValues reads.
Event as_event(const history::StoredRecord& record);

}  // namespace deltadrop::lake
