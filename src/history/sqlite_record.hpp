#pragma once

#include "history/history_store.hpp"
#include "sqlite/database.hpp"

namespace deltadrop::history::sqlite {

/// HistoryStore::record on the connection that writes.
Result<RecordReport> record(deltadrop::sqlite::Database& database, const RecordBatch& batch);

}  // namespace deltadrop::history::sqlite
