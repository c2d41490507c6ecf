#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/column_type.hpp"
#include "core/event.hpp"
#include "history/upload_status.hpp"

namespace deltadrop::history {

struct StoredRecord {
  std::string key;
  std::string data_json;  ///< tracked columns, from the upload that opened the row
  Timestamp valid_from;
  std::optional<Timestamp> valid_to;
  Version version;  ///< version of the upload that opened the row
  UploadId upload_id;
};

/// The approximate maximum size of a result's values in bytes. The result ends after the row that reaches it,
/// even below the row limit. A caller that reads until a result is empty never holds more at a time.
using BytesMax = std::optional<std::int64_t>;

/// Selects the records of a table that are valid at `as_of` (valid_from <= as_of < valid_to), by key in byte
/// order.
struct RecordQuery {
  TableRef table;
  Timestamp as_of;
  std::optional<std::string> after_key;
  std::int64_t limit = 100;
  BytesMax bytes_max = std::nullopt;
};

struct AppliedEvent {
  AppliedNo applied_no;
  Event event;
};

struct EventCursor {
  AppliedNo applied_no;
  Seq seq;
  auto operator<=>(const EventCursor&) const = default;
};

/// Selects events of applied uploads after `after`, in (applied_no, seq) order. An empty filter matches all.
struct EventQuery {
  std::optional<std::string> company_id;
  std::optional<std::string> table_name;
  std::optional<ChangeType> type;
  std::optional<std::string> key_value;
  std::optional<UploadId> upload_id;
  std::optional<Timestamp> since;  ///< accepted at this time or later
  std::optional<Timestamp> until;  ///< accepted before this time
  std::optional<EventCursor> after;
  std::int64_t limit = 100;
  BytesMax bytes_max = std::nullopt;  ///< ignored with `key_value`: a key has few events
};

/// A column of a table's lake files.
struct LakeColumn {
  std::string name;
  ColumnType type = ColumnType::null;  ///< the type of all its values so far
  bool operator==(const LakeColumn&) const = default;
};

struct Summary {
  std::int64_t uploads_recorded = 0;  ///< not yet applied
  std::int64_t uploads_not_in_lake = 0;
  std::int64_t dead_letters = 0;      ///< not resolved
  std::vector<UploadStatus> blocked;  ///< in state blocked or conflict and not set aside
};

/// Reads the history and never changes it. Thread-safe. Each call sees one snapshot of the database. Fails
/// with `unavailable` (connection, resources; the caller waits and retries) and `corrupt`.
class HistoryReader {
 public:
  virtual ~HistoryReader() = default;

  virtual Result<std::vector<StoredRecord>> records(const RecordQuery& query) = 0;
  virtual Result<std::vector<AppliedEvent>> events(const EventQuery& query) = 0;
  /// Returns all changes of one key by applied uploads, oldest first.
  Result<std::vector<AppliedEvent>> key_history(const TableRef& table, const std::string& key);

  virtual Result<std::optional<UploadStatus>> upload(const UploadId& upload) = 0;
  /// Returns the applied ones of `uploads`, with one query for any number of them.
  virtual Result<std::set<UploadId>> applied_among(const std::set<UploadId>& uploads) = 0;
  /// Returns the applied uploads of the table up to and including version `last`, by version.
  virtual Result<std::vector<UploadStatus>> applied_uploads(const TableRef& table, Version last) = 0;
  /// Returns the number of the last applied upload, or 0 without one. All uploads up to it are visible.
  virtual Result<AppliedNo> last_applied() = 0;

  /// Returns applied uploads that are not in the lake, oldest first, at most one per table.
  virtual Result<std::vector<UploadStatus>> uploads_for_lake() = 0;
  /// Returns the columns of the table's lake files by name, or nothing if no file was written yet.
  virtual Result<std::vector<LakeColumn>> lake_columns(const TableRef& table) = 0;

  virtual Result<Summary> summary() = 0;
  /// Succeeds if the database responds.
  virtual Result<void> health() = 0;
};

}  // namespace deltadrop::history
