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
  std::string data_json;  ///< tracked columns at the upload that opened it
  Timestamp valid_from;
  std::optional<Timestamp> valid_to;
  Version version;  ///< of the upload that opened it
  UploadId upload_id;
};

/// An answer may end before its limit, behind the row with which it has about this many bytes of values: who
/// reads on until an answer is empty holds no more than that at a time.
using BytesMax = std::optional<std::int64_t>;

/// Records of a table valid at `as_of` (inclusive: valid_from <= as_of < valid_to), by key in byte order.
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

/// Events of applied uploads in (applied_no, seq) order, after `after`. Empty filters match all.
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
  BytesMax bytes_max = std::nullopt;  ///< not heeded with `key_value`: a key has few events
};

/// One column that a table's lake files carry.
struct LakeColumn {
  std::string name;
  ColumnType type = ColumnType::null;  ///< of all its values so far
  bool operator==(const LakeColumn&) const = default;
};

struct Summary {
  std::int64_t uploads_recorded = 0;  ///< not yet applied
  std::int64_t uploads_not_in_lake = 0;
  std::int64_t dead_letters = 0;      ///< not resolved
  std::vector<UploadStatus> blocked;  ///< state blocked or conflict, and not set aside
};

/// Reads the history and changes nothing. Thread-safe. Every call sees one state of the database. Errors:
/// `unavailable` (connection, resources: wait and call again), `corrupt`.
class HistoryReader {
 public:
  virtual ~HistoryReader() = default;

  virtual Result<std::vector<StoredRecord>> records(const RecordQuery& query) = 0;
  virtual Result<std::vector<AppliedEvent>> events(const EventQuery& query) = 0;
  /// All changes of one key by applied uploads, oldest first.
  Result<std::vector<AppliedEvent>> key_history(const TableRef& table, const std::string& key);

  virtual Result<std::optional<UploadStatus>> upload(const UploadId& upload) = 0;
  /// Those of `uploads` that are applied: one question, however many there are.
  virtual Result<std::set<UploadId>> applied_among(const std::set<UploadId>& uploads) = 0;
  /// Every applied upload of the table up to and including `last`, by version.
  virtual Result<std::vector<UploadStatus>> applied_uploads(const TableRef& table, Version last) = 0;
  /// The number of the upload that was applied last; 0 before the first. All up to it are visible.
  virtual Result<AppliedNo> last_applied() = 0;

  /// Applied uploads that are not in the lake, oldest first, at most one per table.
  virtual Result<std::vector<UploadStatus>> uploads_for_lake() = 0;
  /// The columns of the table's lake files, by name; empty before the first.
  virtual Result<std::vector<LakeColumn>> lake_columns(const TableRef& table) = 0;

  virtual Result<Summary> summary() = 0;
  /// Ok when the database answers.
  virtual Result<void> health() = 0;
};

}  // namespace deltadrop::history
