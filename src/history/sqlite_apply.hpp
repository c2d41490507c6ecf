#pragma once

#include "history/history_store.hpp"
#include "sqlite/database.hpp"

namespace deltadrop::history::sqlite {

/// HistoryStore::apply_next on the connection that writes.
Result<ApplyOutcome> apply_next(deltadrop::sqlite::Database& database, const TableRef& table, Timestamp now);

/// HistoryStore::mark_in_lake on the connection that writes.
Result<void> mark_in_lake(deltadrop::sqlite::Database& database, const UploadId& upload,
                          const std::vector<LakeColumn>& columns, Timestamp now);

}  // namespace deltadrop::history::sqlite
