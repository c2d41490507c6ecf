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
  /// The dead letter that `events` are taken from again. It is resolved with them, or nothing is done.
  std::optional<DeadLetterId> retried = std::nullopt;
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

/// Records the log's messages and applies the uploads whose events are recorded. Thread-safe. Every call is
/// one transaction and waits for it. Errors: `unavailable` (connection, resources, lock: wait and call
/// again), `in_doubt` (the answer to a commit was lost: read `offsets` or the upload, then decide),
/// `conflict` "offset-moved" (somebody else recorded: drop the batch, read `offsets`), `invalid_input` (the
/// database refuses the data: split the batch), `corrupt`.
class HistoryWriter {
 public:
  virtual ~HistoryWriter() = default;

  virtual Result<std::vector<StoredOffset>> offsets(const std::string& topic) = 0;
  /// Atomic. Compares and sets the offsets first; inserts what is not there yet by (upload_id, seq); counts
  /// parts. Of a batch with `retried`: `conflict` "still-refused" where an event contradicts what is
  /// recorded.
  virtual Result<RecordReport> record(const RecordBatch& batch) = 0;

  /// Those that are not resolved first, then by time, newest first.
  virtual Result<std::vector<DeadLetterEntry>> dead_letters(std::int64_t limit) = 0;
  virtual Result<std::optional<DeadLetterEntry>> dead_letter(const DeadLetterId& id) = 0;

  /// Tables with an upload that is recorded and not applied.
  virtual Result<std::vector<TableRef>> tables_to_apply() = 0;
  /// Applies the table's next upload, if its predecessor is applied and all its parts are there.
  virtual Result<ApplyOutcome> apply_next(const TableRef& table, Timestamp now) = 0;
};

}  // namespace deltadrop::history
