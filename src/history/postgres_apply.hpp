#pragma once

#include <vector>

#include "history/history_store.hpp"
#include "history/postgres_connection.hpp"

namespace deltadrop::history::postgres {

/// HistoryStore::apply_next. Where another process applies this table now, there is nothing to apply.
Result<ApplyOutcome> apply_next(Connection& connection, const TableRef& table, Timestamp now);

/// HistoryStore::mark_in_lake.
Result<void> mark_in_lake(Connection& connection, const UploadId& upload,
                          const std::vector<LakeColumn>& columns, Timestamp now);

}  // namespace deltadrop::history::postgres
