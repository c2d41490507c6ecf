#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "history/history_store.hpp"
#include "history/postgres_connection.hpp"

/// The reading half of HistoryStore, each on a connection that the caller has to itself.
namespace deltadrop::history::postgres {

Result<std::vector<StoredOffset>> read_offsets(Connection& connection, const std::string& topic);
Result<std::vector<TableRef>> read_tables_to_apply(Connection& connection);
Result<std::vector<UploadStatus>> read_uploads_for_lake(Connection& connection);
Result<std::vector<TableRef>> read_applied_tables(Connection& connection);
Result<std::vector<UploadStatus>> read_applied_uploads(Connection& connection, const TableRef& table,
                                                       Version last);
Result<std::set<UploadId>> read_applied_among(Connection& connection, const std::set<UploadId>& uploads);
Result<std::vector<LakeColumn>> read_lake_columns(Connection& connection, const TableRef& table);
Result<std::vector<StoredRecord>> read_records(Connection& connection, const RecordQuery& query);
Result<std::vector<AppliedEvent>> read_events(Connection& connection, const EventQuery& query);
Result<AppliedNo> read_last_applied(Connection& connection);
Result<std::vector<DeadLetterEntry>> read_dead_letters(Connection& connection, std::int64_t limit);
Result<std::optional<DeadLetterEntry>> read_dead_letter(Connection& connection, const DeadLetterId& id);
Result<Summary> read_summary(Connection& connection);

/// Calls `use` with each of the upload's events of one type, in (key_value, seq) order.
Result<void> scan_events(Connection& connection, const UploadFacts& upload, ChangeType type,
                         const std::function<Result<void>(const Event&)>& use);

}  // namespace deltadrop::history::postgres
