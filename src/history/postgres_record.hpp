#pragma once

#include "history/history_store.hpp"
#include "history/postgres_connection.hpp"

namespace deltadrop::history::postgres {

/// Records batches on one connection.
class BatchWriter {
 public:
  /// HistoryStore::record.
  Result<RecordReport> record(Connection& connection, const RecordBatch& batch);

 private:
  /// While a log is read again, events are there already: then it is quicker not to try without looking.
  bool expects_duplicates_ = false;
};

}  // namespace deltadrop::history::postgres
