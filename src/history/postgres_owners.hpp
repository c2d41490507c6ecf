#pragma once

#include <optional>
#include <vector>

#include "history/history_store.hpp"
#include "history/postgres_connection.hpp"

/// Whose a table is, and the choice after a fork: see HistoryStore.
namespace deltadrop::history::postgres {

/// The lock under which a table's uploads are applied. Result: whether it was taken, which it is until the
/// end of the transaction.
Statement try_lock_to_apply(const TableRef& table);

Result<Ownership> read_ownership(Connection& connection, const TableRef& table);
Result<std::vector<KnownArchive>> read_archives(Connection& connection);
Result<std::vector<UploadStatus>> read_uploads_of(Connection& connection, const TableRef& table);
Result<Resolution> resolve(Connection& connection, const TableRef& table, const std::optional<UploadId>& keep,
                           Timestamp now);

}  // namespace deltadrop::history::postgres
