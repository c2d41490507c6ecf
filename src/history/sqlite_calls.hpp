#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "history/history_store.hpp"
#include "sqlite/database.hpp"

/// HistoryStore's calls for SQLite. Each runs on a connection that the caller uses exclusively.
namespace deltadrop::history::sqlite {

using deltadrop::sqlite::Database;

// ---- sqlite_schema.cpp

/// Opens the one connection that writes, migrates the schema and defines `same_values(a, b)`.
Result<Database> open_writer(const std::filesystem::path& path);
Result<Database> open_reader(const std::filesystem::path& path);

// ---- sqlite_record.cpp

/// Requires the connection that writes.
Result<RecordReport> record(Database& database, const RecordBatch& batch);

// ---- sqlite_apply.cpp

/// Requires the connection that writes.
Result<ApplyOutcome> apply_next(Database& database, const TableRef& table, Timestamp now);
/// Requires the connection that writes.
Result<void> mark_in_lake(Database& database, const UploadId& upload, const std::vector<LakeColumn>& columns,
                          Timestamp now);

// ---- sqlite_owners.cpp

Result<std::optional<ArchiveId>> owner_of(Database& database, const TableRef& table);
/// Replaces the table's owner, if it has one.
Result<void> set_owner(Database& database, const TableRef& table, const std::string& archive);

Result<Ownership> read_ownership(Database& database, const TableRef& table);
Result<std::vector<KnownArchive>> read_archives(Database& database);
Result<std::vector<UploadStatus>> read_uploads_of(Database& database, const TableRef& table);
/// Requires the connection that writes.
Result<Resolution> resolve(Database& database, const TableRef& table, const std::optional<UploadId>& keep,
                           Timestamp now);

// ---- sqlite_read.cpp

Result<std::optional<UploadStatus>> find_upload(Database& database, const UploadId& upload);
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

/// Returns the row ids of an upload's events of one type in (key_value, seq) order. They never change.
Result<std::vector<std::int64_t>> read_event_rows(Database& database, const UploadFacts& upload,
                                                  ChangeType type);
/// Returns the events of the first of `rows`: as many as fit some megabytes, at least one.
Result<std::vector<Event>> read_events_at(Database& database, const UploadFacts& upload,
                                          std::span<const std::int64_t> rows);

}  // namespace deltadrop::history::sqlite
