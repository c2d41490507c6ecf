#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "lake/notations.hpp"
#include "lake/parquet_file.hpp"
#include "lake/table_columns.hpp"

namespace deltadrop::lake {

/// Which records a file holds: those of the table as of that moment, at which the version held.
struct RecordsOf {
  TableRef table;
  Version version;
  Timestamp as_of;
};

/// How many rows are written, and held in memory, at a time.
enum class RowGroups : std::uint8_t {
  large,    ///< as many as suit readers: 64 MiB of values
  growing,  ///< of 1 MiB at first, and of a 64th of what is written, up to 16 MiB: for a reader who may be
            ///< slow
};

/// Deltadrop's own columns beside those of `data_names`, in this order: key, valid_from, valid_to, version,
/// upload_id. One that is there already, ignoring case, gets `_` before it until it is not.
std::vector<std::string> own_record_columns(const std::vector<std::string>& data_names);

/// One Parquet file of records, being written: docs/lake.md. Memory as ParquetFile's. Not thread-safe.
class ParquetRecords {
 public:
  /// `columns`: all that a record may have. `shown`: the names of those in the file, in its order.
  static Result<ParquetRecords> create(ByteSink sink, const RecordsOf& what, const TableColumns& columns,
                                       const std::vector<std::string>& shown, RowGroups groups,
                                       RecordNotations notations);
  ParquetRecords(ParquetRecords&&) noexcept;
  ParquetRecords& operator=(ParquetRecords&&) noexcept;
  /// The bytes of a file that is not finished are unreadable.
  ~ParquetRecords();

  /// Records come by key in byte order. Fails with conflict, type "state-moved", where a value does not fit
  /// its column, with corrupt, type "lake-event", where the record has other columns, and as the sink.
  Result<void> append(const history::StoredRecord& record);
  /// Writes the footer. After a failure of this or `append` nothing more may be done with it.
  Result<void> finish();

 private:
  struct State;
  explicit ParquetRecords(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// The record as the event that opened it, as far as EventValues looks at it.
Event as_event(const history::StoredRecord& record);

}  // namespace deltadrop::lake
