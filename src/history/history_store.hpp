#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "core/column_type.hpp"
#include "core/event.hpp"
#include "eventlog/event_log.hpp"

/// The history: every event for ever, and each record's states with temporal validity. Ports only; the
/// adapters are sqlite_history.hpp and postgres_history.hpp. docs/history-schema.md describes the tables.
namespace deltadrop::history {

using eventlog::LogIdentity;
using eventlog::Offset;
using eventlog::PartitionRef;

// ---- record: the log's messages into cdc_events
// ------------------------------------------------------------------

/// A partition read from `from` (what the store holds, or nothing when it was never read) up to before `to`.
struct OffsetAdvance {
  PartitionRef partition;
  LogIdentity identity;
  std::optional<Offset> from;
  Offset to;
};

struct StoredOffset {
  PartitionRef partition;
  LogIdentity identity;
  Offset next;
};

struct LoggedEvent {
  PartitionRef partition;
  Offset offset;
  Event event;
};

/// A message that is no event, or an event that the database refused (then with its upload, which becomes
/// blocked).
struct DeadLetter {
  PartitionRef partition;
  LogIdentity identity;
  Offset offset;
  std::string payload;
  std::string reason;
  std::optional<UploadFacts> upload;
};

/// Names a dead letter: where its message was.
struct DeadLetterId {
  std::string topic_id;
  eventlog::Partition partition;
  Offset offset;
  auto operator<=>(const DeadLetterId&) const = default;
  /// "TOPIC_ID.PARTITION.OFFSET"
  [[nodiscard]] std::string to_string() const;
  static Result<DeadLetterId> parse(std::string_view text);
};

struct RecordBatch {
  std::vector<OffsetAdvance> advances;
  std::vector<LoggedEvent> events;
  std::vector<DeadLetter> dead_letters;
  Timestamp recorded_at;
  /// The dead letter that `events` are taken from again. It is resolved with them, or nothing is done.
  std::optional<DeadLetterId> retried = std::nullopt;
};

// ---- apply: recorded uploads into company_data
// -------------------------------------------------------------------

enum class UploadState : std::uint8_t {
  recorded,  ///< some or all of its events are recorded; not applied
  applied,
  blocked,   ///< an event of it is in dead_letters; its table waits
  conflict,  ///< another upload follows the same predecessor, or its events do not fit the rows; not applied
};
std::string_view to_string(UploadState state);

struct UploadStatus {
  UploadFacts facts;
  UploadState state = UploadState::recorded;
  std::int64_t recorded = 0;  ///< how many of facts.total events are recorded
  std::optional<AppliedNo> applied_no;
  std::optional<Timestamp> applied_at;
  std::optional<Timestamp> in_lake_at;
  std::string error;
  std::optional<Timestamp> set_aside_at = std::nullopt;  ///< of one in conflict: somebody chose another
};

struct RecordReport {
  std::int64_t inserted = 0;
  std::int64_t already_there = 0;
  std::vector<UploadStatus> conflicts = {};  ///< uploads that are in conflict since this batch
};

/// Nothing of this table can be applied now. `waiting_for` says why when there is an upload that is not
/// applied.
struct NothingToApply {
  std::optional<UploadStatus> next;
  std::string waiting_for;
};
struct Applied {
  UploadStatus upload;
  std::int64_t opened = 0;
  std::int64_t closed = 0;
};
/// The upload at hand was found not to fit and is now in state `conflict`.
struct Conflicted {
  UploadStatus upload;
};
using ApplyOutcome = std::variant<NothingToApply, Applied, Conflicted>;

// ---- whose a table is, and forks
// ---------------------------------------------------------------------------------------------------

/// What is known of whose a table is.
struct Ownership {
  std::optional<ArchiveId> owner;        ///< none: its events name no archive, or there are none
  std::optional<UploadId> first_upload;  ///< the earliest that is not in conflict
};

struct KnownArchive {
  std::optional<ArchiveId> archive;  ///< none: of tables whose events name no archive
  std::int64_t tables = 0;
  std::vector<TableRef> examples;  ///< the first of them, by name
};

/// A choice between the chains of a table that forked.
struct Resolution {
  std::vector<UploadStatus> kept;        ///< the chain, first version first
  std::vector<UploadStatus> set_aside;   ///< all others that were not set aside before
  std::vector<UploadStatus> revived;     ///< of `kept`: were in conflict, and are to be applied
  bool undoes = false;                   ///< some of `set_aside` are applied
  std::optional<Timestamp> stays_until;  ///< effective_at of the last of `kept` that is applied
  std::optional<ArchiveId> owner;        ///< of the table, from now on
};

// ---- reading
// ---------------------------------------------------------------------------------------------------------

struct StoredRecord {
  std::string key;
  std::string data_json;  ///< tracked columns at the upload that opened it
  Timestamp valid_from;
  std::optional<Timestamp> valid_to;
  Version version;  ///< of the upload that opened it
  UploadId upload_id;
};

/// No version comes after it: with it as the last one, all are meant.
inline constexpr Version kAnyVersion{std::numeric_limits<std::int64_t>::max()};

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

struct DeadLetterEntry {
  DeadLetter letter;
  Timestamp recorded_at;
  std::optional<Timestamp> resolved_at;

  [[nodiscard]] DeadLetterId id() const {
    return {letter.identity.topic_id, letter.partition.partition, letter.offset};
  }
};

struct Summary {
  std::int64_t uploads_recorded = 0;  ///< not yet applied
  std::int64_t uploads_not_in_lake = 0;
  std::int64_t dead_letters = 0;      ///< not resolved
  std::vector<UploadStatus> blocked;  ///< state blocked or conflict, and not set aside
};

/// Thread-safe. Every call is one transaction and waits for it. Errors: `unavailable` (connection, resources,
/// lock: wait and call again), `in_doubt` (a commit's answer was lost: read `offsets` or `upload`, then
/// decide), `conflict` "offset-moved" (somebody else recorded: drop the batch, read `offsets`),
/// `invalid_input` (the database refuses the data: split the batch), `corrupt`.
class HistoryStore {
 public:
  virtual ~HistoryStore() = default;

  virtual Result<std::vector<StoredOffset>> offsets(const std::string& topic) = 0;
  /// Atomic. Compares and sets the offsets first; inserts what is not there yet by (upload_id, seq); counts
  /// parts. Of a batch with `retried`: `conflict` "still-refused" where an event contradicts what is
  /// recorded.
  virtual Result<RecordReport> record(const RecordBatch& batch) = 0;

  /// Tables with an upload that is recorded and not applied.
  virtual Result<std::vector<TableRef>> tables_to_apply() = 0;
  /// Applies the table's next upload, if its predecessor is applied and all its parts are there.
  virtual Result<ApplyOutcome> apply_next(const TableRef& table, Timestamp now) = 0;

  /// Applied uploads that are not in the lake, oldest first, at most one per table.
  virtual Result<std::vector<UploadStatus>> uploads_for_lake() = 0;
  /// Tables with an applied upload, by name.
  virtual Result<std::vector<TableRef>> applied_tables() = 0;
  /// Every applied upload of the table up to and including `last`, by version.
  virtual Result<std::vector<UploadStatus>> applied_uploads(const TableRef& table, Version last) = 0;
  /// Calls `use` for each event of that type in (key_value, seq) order until it fails.
  virtual Result<void> scan_events(const UploadId& upload, ChangeType type,
                                   const std::function<Result<void>(const Event&)>& use) = 0;
  /// The columns of the table's lake files, by name; empty before the first.
  virtual Result<std::vector<LakeColumn>> lake_columns(const TableRef& table) = 0;
  /// Marks the upload as in the lake and keeps the table's columns, at once.
  virtual Result<void> mark_in_lake(const UploadId& upload, const std::vector<LakeColumn>& columns,
                                    Timestamp now) = 0;

  virtual Result<std::vector<StoredRecord>> records(const RecordQuery& query) = 0;
  /// All changes of one key by applied uploads, oldest first.
  virtual Result<std::vector<AppliedEvent>> key_history(const TableRef& table, const std::string& key) = 0;
  virtual Result<std::vector<AppliedEvent>> events(const EventQuery& query) = 0;
  /// The number of the upload that was applied last; 0 before the first. All up to it are visible.
  virtual Result<AppliedNo> last_applied() = 0;
  virtual Result<std::optional<UploadStatus>> upload(const UploadId& upload) = 0;
  /// Those of `uploads` that are applied: one question, however many there are.
  virtual Result<std::set<UploadId>> applied_among(const std::set<UploadId>& uploads) = 0;
  /// Those that are not resolved first, then by time, newest first.
  virtual Result<std::vector<DeadLetterEntry>> dead_letters(std::int64_t limit) = 0;
  virtual Result<std::optional<DeadLetterEntry>> dead_letter(const DeadLetterId& id) = 0;
  virtual Result<Summary> summary() = 0;

  virtual Result<Ownership> ownership(const TableRef& table) = 0;
  /// Of all tables with an upload that is not in conflict.
  virtual Result<std::vector<KnownArchive>> archives() = 0;
  /// All uploads of the table, whatever their state, by version.
  virtual Result<std::vector<UploadStatus>> uploads_of(const TableRef& table) = 0;
  /// Keeps the chain that ends with `keep` (none: no upload) and sets all other uploads of the table aside,
  /// in one transaction: see plan_resolution. Events are never touched. Rows that uploads set aside had
  /// opened are removed, those that they had closed are open again; uploads that are kept and were in
  /// conflict are applied next. Where rows were undone, the table's uploads count as not in the lake. Errors
  /// as plan_resolution's, and conflict "table-busy" where an upload of it arrived meanwhile: call again.
  virtual Result<Resolution> resolve(const TableRef& table, const std::optional<UploadId>& keep,
                                     Timestamp now) = 0;
  /// Ok when the database answers.
  virtual Result<void> health() = 0;
};

}  // namespace deltadrop::history
