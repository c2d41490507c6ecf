#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/event.hpp"
#include "eventlog/event_log.hpp"
#include "history/upload_status.hpp"

namespace deltadrop::history {

using eventlog::LogIdentity;
using eventlog::Offset;
using eventlog::PartitionRef;

/// Advances a partition's offset from `from` (the stored offset, or nothing if the partition was never read)
/// to `to`, the next offset to read.
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

/// A message that is not an event, or an event that the database refused. The latter has its upload, which
/// becomes blocked.
struct DeadLetter {
  PartitionRef partition;
  LogIdentity identity;
  Offset offset;
  std::string payload;
  std::string reason;
  std::optional<UploadFacts> upload;
};

/// Identifies a dead letter by its message's position in the log.
struct DeadLetterId {
  std::string topic_id;
  eventlog::Partition partition;
  Offset offset;
  auto operator<=>(const DeadLetterId&) const = default;
  /// "TOPIC_ID.PARTITION.OFFSET"
  [[nodiscard]] std::string to_string() const;
  static Result<DeadLetterId> parse(std::string_view text);
};

struct DeadLetterEntry {
  DeadLetter letter;
  Timestamp recorded_at;
  std::optional<Timestamp> resolved_at;

  [[nodiscard]] DeadLetterId id() const {
    return {letter.identity.topic_id, letter.partition.partition, letter.offset};
  }
};

struct RecordBatch {
  std::vector<OffsetAdvance> advances;
  std::vector<LoggedEvent> events;
  std::vector<DeadLetter> dead_letters;
  Timestamp recorded_at;
  /// The dead letter whose retry produced `events`. It is resolved in the same transaction, or nothing
  /// changes.
  std::optional<DeadLetterId> retried = std::nullopt;
};

struct RecordReport {
  std::int64_t inserted = 0;
  std::int64_t already_there = 0;
  std::vector<UploadStatus> conflicts = {};  ///< uploads that this batch put in conflict
};

/// The table has no upload that can be applied now. `waiting_for` says why if an upload is not applied.
struct NothingToApply {
  std::optional<UploadStatus> next;
  std::string waiting_for;
};
struct Applied {
  UploadStatus upload;
  std::int64_t opened = 0;
  std::int64_t closed = 0;
};
/// The upload did not match the rows and is now in state `conflict`.
struct Conflicted {
  UploadStatus upload;
};
using ApplyOutcome = std::variant<NothingToApply, Applied, Conflicted>;

/// Records the log's messages and applies completely recorded uploads. Thread-safe. Each call is one
/// transaction and blocks until it ends. Fails with `unavailable` (connection, resources, lock: wait and
/// retry), `in_doubt` (the response to a commit was lost: read `offsets` or the upload, then decide),
/// `conflict` "offset-moved" (another process recorded: drop the batch, read `offsets`), `invalid_input` (the
/// database refuses the data: split the batch) and `corrupt`.
class HistoryWriter {
 public:
  virtual ~HistoryWriter() = default;

  virtual Result<std::vector<StoredOffset>> offsets(const std::string& topic) = 0;
  /// Atomic. Compares and sets the offsets first, then inserts new events by (upload_id, seq) and counts
  /// parts. With `retried`, fails with `conflict` "still-refused" if an event contradicts recorded data.
  virtual Result<RecordReport> record(const RecordBatch& batch) = 0;

  /// Returns unresolved dead letters first, then by time, newest first.
  virtual Result<std::vector<DeadLetterEntry>> dead_letters(std::int64_t limit) = 0;
  virtual Result<std::optional<DeadLetterEntry>> dead_letter(const DeadLetterId& id) = 0;

  /// Returns the tables with an upload that is recorded and not applied.
  virtual Result<std::vector<TableRef>> tables_to_apply() = 0;
  /// Applies the table's next upload if its predecessor is applied and all its events are recorded.
  virtual Result<ApplyOutcome> apply_next(const TableRef& table, Timestamp now) = 0;
};

}  // namespace deltadrop::history
