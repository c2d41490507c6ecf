#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <vector>

#include "history/history_store.hpp"
#include "sqlite/database.hpp"

/// The reading half of HistoryStore, each on a connection that the caller has to itself.
namespace deltadrop::history::sqlite {

using deltadrop::sqlite::Database;

Result<std::vector<StoredOffset>> read_offsets(Database& database, const std::string& topic);
Result<std::vector<TableRef>> read_tables_to_apply(Database& database);
Result<std::vector<UploadStatus>> read_uploads_for_lake(Database& database);
Result<std::vector<TableRef>> read_applied_tables(Database& database);
Result<std::vector<UploadStatus>> read_applied_uploads(Database& database, const TableRef& table,
                                                       Version last);
Result<std::set<UploadId>> read_applied_among(Database& database, const std::set<UploadId>& uploads);
Result<std::vector<LakeColumn>> read_lake_columns(Database& database, const TableRef& table);
Result<std::vector<StoredRecord>> read_records(Database& database, const RecordQuery& query);
Result<std::vector<AppliedEvent>> read_events(Database& database, const EventQuery& query);
Result<AppliedNo> read_last_applied(Database& database);
Result<std::vector<DeadLetterEntry>> read_dead_letters(Database& database, std::int64_t limit);
Result<std::optional<DeadLetterEntry>> read_dead_letter(Database& database, const DeadLetterId& id);
Result<Summary> read_summary(Database& database);

/// The rows of an upload's events of one type in (key_value, seq) order. They never change.
Result<std::vector<std::int64_t>> read_event_rows(Database& database, const UploadFacts& upload,
                                                  ChangeType type);
/// The events in the first of `rows`: as many as fit some megabytes, at least one.
Result<std::vector<Event>> read_events_at(Database& database, const UploadFacts& upload,
                                          std::span<const std::int64_t> rows);

}  // namespace deltadrop::history::sqlite
