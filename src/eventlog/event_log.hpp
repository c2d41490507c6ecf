#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/event.hpp"
#include "core/result.hpp"
#include "core/strong.hpp"

/// The log between ingest and the consumer: ordered partitions of messages, stored until trimmed. This header
/// contains the ports; the adapters are eventlog/sqlite_log.hpp, eventlog/memory_log.hpp and
/// eventlog/kafka_log.hpp.
namespace deltadrop::eventlog {

using Partition = Strong<struct PartitionTag, std::int32_t>;
using Offset = Strong<struct OffsetTag>;

struct PartitionRef {
  std::string topic;
  Partition partition;
  auto operator<=>(const PartitionRef&) const = default;
};

/// Identifies a log. A topic that is deleted and created again has another topic_id, and its offsets start
/// over.
struct LogIdentity {
  std::string cluster_id;
  std::string topic_id;
  bool operator==(const LogIdentity&) const = default;
};

/// The abilities of an adapter. The contract suite tests what they declare.
struct Capabilities {
  bool survives_reopen = false;    ///< messages survive the end of the process
  bool shares_partitions = false;  ///< the readers of a group get disjoint partitions
  bool trims = false;              ///< `trim` drops old messages
};

/// A message to append. The log copies it.
struct Message {
  std::string_view key;
  std::string_view value;
  ChangeType event_type = ChangeType::insert;  ///< header `event_type`
  UploadId upload_id;                          ///< header `upload_id`
};

/// Appends one upload to the log. Messages with the same key keep their order. Use it from one thread; a log
/// may have several publications in progress. Destroying an unfinished publication abandons it: its messages
/// may or may not be in the log.
class Publication {
 public:
  virtual ~Publication() = default;
  /// Appends one message. Blocks while too many bytes are unacknowledged. Errors: invalid_input, type
  /// "message-too-large"; in_doubt or unavailable, after which the caller drops this publication and
  /// publishes the whole upload again (the event ids make that harmless); shutting_down after `interrupt`.
  virtual Result<void> append(const Message& message) = 0;
  /// Waits until everything appended is durable in the log. On timed_out, call again or drop the publication
  /// as above.
  virtual Result<void> await_delivery(std::chrono::steady_clock::time_point deadline) = 0;
};

/// A message from the log. Without a value, it is a tombstone, which Deltadrop never writes.
struct Record {
  PartitionRef partition;
  Offset offset;
  std::string key;
  std::optional<std::string> value;
  bool authentic = true;  ///< false if it lacks the signature that this log requires
};

/// A partition and the offsets that the log contains: [low, high).
struct PartitionState {
  PartitionRef partition;
  LogIdentity identity;
  Offset low;
  Offset high;
};

struct StartPosition {
  PartitionRef partition;
  Offset offset;
};

/// poll() returned messages.
struct Records {
  std::vector<Record> records;
};
/// The reader now also owns these partitions. Nothing is read from them until `start`.
struct Assigned {
  std::vector<PartitionState> partitions;
};
/// The reader loses these partitions. Finish or drop their work, then call `release`. If `lost`, another
/// reader may already own them.
struct Revoked {
  std::vector<PartitionRef> partitions;
  bool lost = false;
};
struct Idle {};
using Polled = std::variant<Idle, Records, Assigned, Revoked>;

struct PollLimits {
  std::size_t records_max = 1000;
  std::size_t bytes_max = std::size_t{8} << 20;
  std::chrono::milliseconds wait_max{100};
};

/// A member of the consumer group. Use it from one thread. The first poll assigns partitions.
class LogReader {
 public:
  virtual ~LogReader() = default;
  /// Waits up to wait_max. Returns Idle if nothing happened; shutting_down after `EventLog::interrupt`.
  virtual Result<Polled> poll(const PollLimits& limits) = 0;
  /// Sets the next offsets of assigned partitions; may be called again. An offset outside [low, high] is
  /// conflict, type "offset-out-of-range". The caller decides; the reader never skips to another offset
  /// itself.
  virtual Result<void> start(const std::vector<StartPosition>& positions) = 0;
  virtual Result<void> release(const std::vector<PartitionRef>& partitions) = 0;
  /// Returns the current watermarks of the assigned partitions.
  virtual Result<std::vector<PartitionState>> watermarks() = 0;
};

/// The port of the log. Thread-safe.
class EventLog {
 public:
  virtual ~EventLog() = default;
  [[nodiscard]] virtual Capabilities capabilities() const = 0;
  /// Starts to publish one upload.
  virtual Result<std::unique_ptr<Publication>> publish(const UploadId& upload) = 0;
  /// Joins the consumer group. If the log does not share partitions, a second reader is conflict, type
  /// "reader-exists".
  virtual Result<std::unique_ptr<LogReader>> join(const std::string& group) = 0;
  /// Succeeds if the log responds and acknowledges messages; otherwise `unavailable` with the reason.
  virtual Result<void> health(std::chrono::milliseconds timeout) = 0;
  /// Drops messages with an offset less than `before` that were appended earlier than `appended_before`. Does
  /// nothing unless the log `trims`.
  virtual Result<void> trim(const PartitionRef& partition, Offset before, Timestamp appended_before) = 0;
  /// Makes current and later blocking calls return shutting_down.
  virtual void interrupt() noexcept = 0;
};

}  // namespace deltadrop::eventlog
