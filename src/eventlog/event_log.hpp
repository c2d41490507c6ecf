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

/// The log between ingest and the consumer: ordered partitions of messages, kept until trimmed. Ports only;
/// the adapters are eventlog/sqlite_log.hpp, eventlog/memory_log.hpp and Kafka's.
namespace deltadrop::eventlog {

using Partition = Strong<struct PartitionTag, std::int32_t>;
using Offset = Strong<struct OffsetTag>;

struct PartitionRef {
  std::string topic;
  Partition partition;
  auto operator<=>(const PartitionRef&) const = default;
};

/// Which log this is. A topic deleted and made again has another topic_id, and its offsets mean something
/// else.
struct LogIdentity {
  std::string cluster_id;
  std::string topic_id;
  bool operator==(const LogIdentity&) const = default;
};

/// What an adapter can do; the contract suite asks before it tests.
struct Capabilities {
  bool survives_reopen = false;    ///< messages are there after the process ended
  bool shares_partitions = false;  ///< several readers of one group get disjoint partitions
  bool trims = false;              ///< `trim` drops old messages
};

/// One message to append; the log copies it.
struct Message {
  std::string_view key;
  std::string_view value;
  ChangeType event_type = ChangeType::insert;  ///< header `event_type`
  UploadId upload_id;                          ///< header `upload_id`
};

/// One upload on its way into the log. Messages of one key keep their order. Use from one thread; several
/// publications may be under way on one log at a time. Destroying an unfinished one abandons it: what was
/// appended may or may not be in the log.
class Publication {
 public:
  virtual ~Publication() = default;
  /// Hands over one message; waits while too many bytes are not yet acknowledged. Errors: invalid_input
  /// "message-too- large"; in_doubt or unavailable: drop this publication and publish the whole upload again,
  /// its ids make that harmless; shutting_down after `interrupt`.
  virtual Result<void> append(const Message& message) = 0;
  /// Returns when everything appended is durably in the log. timed_out: not yet; call again, or give up as
  /// above.
  virtual Result<void> await_delivery(std::chrono::steady_clock::time_point deadline) = 0;
};

/// One message as read. No value: a tombstone, which is never one of ours.
struct Record {
  PartitionRef partition;
  Offset offset;
  std::string key;
  std::optional<std::string> value;
  bool authentic = true;  ///< false: it lacks the signature that this log asks for
};

/// A partition with what the log holds of it: offsets in [low, high).
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

/// poll() found messages.
struct Records {
  std::vector<Record> records;
};
/// These partitions are this reader's now, in addition to those it has; nothing of them is read until
/// `start`.
struct Assigned {
  std::vector<PartitionState> partitions;
};
/// These are no longer this reader's; finish or drop their work, then call `release`. `lost`: another reader
/// may already have them.
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

/// A member of the consumer group. Use from one thread. The first poll gives Assigned.
class LogReader {
 public:
  virtual ~LogReader() = default;
  /// Waits up to wait_max for something; Idle when nothing came. shutting_down after `EventLog::interrupt`.
  virtual Result<Polled> poll(const PollLimits& limits) = 0;
  /// Starts, or starts again, to read assigned partitions at these offsets. An offset outside [low, high] is
  /// conflict "offset-out-of-range": the caller decides; nothing jumps by itself.
  virtual Result<void> start(const std::vector<StartPosition>& positions) = 0;
  virtual Result<void> release(const std::vector<PartitionRef>& partitions) = 0;
  /// Present watermarks of the assigned partitions.
  virtual Result<std::vector<PartitionState>> watermarks() = 0;
};

/// Thread-safe.
class EventLog {
 public:
  virtual ~EventLog() = default;
  [[nodiscard]] virtual Capabilities capabilities() const = 0;
  /// Starts to publish one upload.
  virtual Result<std::unique_ptr<Publication>> publish(const UploadId& upload) = 0;
  /// Joins the consumer group. Where partitions are not shared, a second reader is conflict "reader-exists".
  virtual Result<std::unique_ptr<LogReader>> join(const std::string& group) = 0;
  /// Ok when the log answers and acknowledges; else `unavailable` with the reason.
  virtual Result<void> health(std::chrono::milliseconds timeout) = 0;
  /// Drops messages before `before` that were appended earlier than `appended_before`. Nothing where not
  /// `trims`.
  virtual Result<void> trim(const PartitionRef& partition, Offset before, Timestamp appended_before) = 0;
  /// Makes calls that wait, now and later, return shutting_down.
  virtual void interrupt() noexcept = 0;
};

}  // namespace deltadrop::eventlog
