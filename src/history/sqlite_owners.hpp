#pragma once

#include <optional>
#include <string>
#include <vector>

#include "history/history_store.hpp"
#include "sqlite/database.hpp"

/// Whose a table is, and the choice after a fork: see HistoryStore.
namespace deltadrop::history::sqlite {

Result<std::optional<ArchiveId>> owner_of(deltadrop::sqlite::Database& database, const TableRef& table);
/// Whoever owned it before.
Result<void> set_owner(deltadrop::sqlite::Database& database, const TableRef& table,
                       const std::string& archive);

Result<Ownership> read_ownership(deltadrop::sqlite::Database& database, const TableRef& table);
Result<std::vector<KnownArchive>> read_archives(deltadrop::sqlite::Database& database);
Result<std::vector<UploadStatus>> read_uploads_of(deltadrop::sqlite::Database& database,
                                                  const TableRef& table);
/// On the connection that writes.
Result<Resolution> resolve(deltadrop::sqlite::Database& database, const TableRef& table,
                           const std::optional<UploadId>& keep, Timestamp now);

}  // namespace deltadrop::history::sqlite
