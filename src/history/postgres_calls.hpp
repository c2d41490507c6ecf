#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "history/history_store.hpp"
#include "history/postgres_connection.hpp"

/// HistoryStore's calls for PostgreSQL. Each runs on a connection that the caller uses exclusively.
namespace deltadrop::history::postgres {

// ---- postgres_schema.cpp

/// Migrates the schema, or only checks it without `options.migrate`. Fails with conflict, type
/// "schema-too-new", if the schema is newer than this version.
Result<void> prepare_schema(Connection& connection, const Options& options);

// ---- postgres_record.cpp

/// Records batches on one connection.
class BatchWriter {
 public:
  Result<RecordReport> record(Connection& connection, const RecordBatch& batch);

 private:
  /// While a log is read again, most events are already recorded. It is then faster to look before inserting.
  bool expects_duplicates_ = false;
};

// ---- postgres_apply.cpp

/// Returns NothingToApply if another process is applying this table.
Result<ApplyOutcome> apply_next(Connection& connection, const TableRef& table, Timestamp now);
Result<void> mark_in_lake(Connection& connection, const UploadId& upload,
                          const std::vector<LakeColumn>& columns, Timestamp now);

// ---- postgres_owners.cpp

/// Tries to take the lock under which a table's uploads are applied. The statement returns whether it was
/// taken. The lock lasts until the end of the transaction.
Statement try_lock_to_apply(const TableRef& table);

Result<Ownership> read_ownership(Connection& connection, const TableRef& table);
Result<std::vector<KnownArchive>> read_archives(Connection& connection);
Result<std::vector<UploadStatus>> read_uploads_of(Connection& connection, const TableRef& table);
Result<Resolution> resolve(Connection& connection, const TableRef& table, const std::optional<UploadId>& keep,
                           Timestamp now);

// ---- postgres_read.cpp

/// Selects the uploads with these ids that exist, in no order. `ids` is an array of uuids as text.
Statement select_uploads_by_id(const std::string& ids);
Result<std::optional<UploadStatus>> find_upload(Connection& connection, const UploadId& upload);
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
