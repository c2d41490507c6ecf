#include "eventlog/sqlite_log.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <mutex>
#include <set>
#include <utility>

#include "eventlog/checks.hpp"
#include "sqlite/database.hpp"
#include "sqlite/group_writer.hpp"

namespace deltadrop::eventlog::sqlite {
namespace {

namespace db = deltadrop::sqlite;

constexpr std::size_t kCommitBytesMax = std::size_t{4} << 20;  // the most that a publication buffers
constexpr std::size_t kCommitRowsMax = 5000;
constexpr std::int64_t kTrimRowsMax = 10'000;  // in one transaction, so that appends never wait long

// log_identity has one row. The next free offset follows the last message, or is `low` if all messages were
// trimmed. So no offset is ever used twice.
constexpr auto kMigrations = std::to_array<std::string_view>({R"(
CREATE TABLE log_messages (
  log_offset  INTEGER PRIMARY KEY,
  message_key TEXT NOT NULL,
  value       TEXT NOT NULL,
  event_type  TEXT NOT NULL,
  upload_id   TEXT NOT NULL,
  appended_at TEXT NOT NULL
);
CREATE TABLE log_identity (
  topic      TEXT NOT NULL PRIMARY KEY,
  cluster_id TEXT NOT NULL,
  topic_id   TEXT NOT NULL,
  low        INTEGER NOT NULL
);
)"});

struct Pending {
  std::string key;
  std::string value;
  ChangeType event_type;
};

/// The state of a log when it is opened.
struct Contents {
  LogIdentity identity;
  Offset low;
  Offset high;
};

/// Concurrent publications share a commit.
class SqliteLog final : public EventLog {
 public:
  SqliteLog(Options options, io::Clock& clock, db::Database writer, const Contents& contents)
      : options_(std::move(options)),
        clock_(clock),
        writer_(std::move(writer),
                {[this] { return begin_group(); }, nullptr, [this] { return end_group(); }}),
        identity_(contents.identity),
        low_(contents.low),
        high_(contents.high) {}

  [[nodiscard]] Capabilities capabilities() const override {
    return {.survives_reopen = true, .shares_partitions = false, .trims = true};
  }
  Result<std::unique_ptr<Publication>> publish(const UploadId& upload) override;
  Result<std::unique_ptr<LogReader>> join(const std::string& group) override;
  Result<void> health(std::chrono::milliseconds timeout) override;
  Result<void> trim(const PartitionRef& partition, Offset before, Timestamp appended_before) override;

  void interrupt() noexcept override {
    const std::lock_guard lock(state_mutex_);
    interrupted_ = true;
    changed_.notify_all();
  }

  Result<void> append_all(const UploadId& upload, const std::vector<Pending>& messages);
  void leave(const std::string& group) {
    const std::lock_guard lock(state_mutex_);
    groups_.erase(group);
  }

  [[nodiscard]] const Options& options() const { return options_; }

  [[nodiscard]] PartitionState state() {
    const std::lock_guard lock(state_mutex_);
    return {{options_.topic, Partition(0)}, identity_, low_, high_};
  }

  [[nodiscard]] Result<void> check_running() {
    const std::lock_guard lock(state_mutex_);
    if (interrupted_) return interrupted();
    return success();
  }

  /// Waits for a message at `offset` and returns true. Returns false at the deadline or when interrupted.
  bool wait_beyond(Offset offset, std::chrono::steady_clock::time_point deadline) {
    std::unique_lock lock(state_mutex_);
    changed_.wait_until(lock, deadline, [&] { return interrupted_ || high_ > offset; });
    return !interrupted_ && high_ > offset;
  }

 private:
  std::optional<Error> last_failure() {
    const std::lock_guard lock(state_mutex_);
    return failure_;
  }
  void set_failure(std::optional<Error> failure) {
    const std::lock_guard lock(state_mutex_);
    failure_ = std::move(failure);
  }

  Result<void> begin_group();
  Result<void> end_group();
  Result<void> insert_all(db::Database& writer, const UploadId& upload, const std::vector<Pending>& messages);
  /// Trims one batch and advances group_low_. Returns false if there was nothing to trim.
  Result<bool> trim_some(db::Database& writer, Offset before, Timestamp appended_before);

  Options options_;
  io::Clock& clock_;
  /// The watermarks of the group that is being written. Only the writing thread uses them.
  Offset group_low_;
  Offset group_high_;
  db::GroupWriter writer_;

  std::mutex state_mutex_;
  std::condition_variable changed_;
  LogIdentity identity_;
  Offset low_;
  Offset high_;
  std::optional<Error> failure_;  ///< the last write failed with this error
  std::set<std::string> groups_;
  bool interrupted_ = false;
};

class SqlitePublication final : public Publication {
 public:
  SqlitePublication(SqliteLog& log, const UploadId& upload) : log_(log), upload_(upload) {}

  Result<void> append(const Message& message) override {
    if (failure_) return *failure_;
    DD_TRY(log_.check_running());
    DD_TRY(check_message_size(message, log_.options().message_bytes_max));
    pending_bytes_ += message.key.size() + message.value.size();
    pending_.push_back({std::string(message.key), std::string(message.value), message.event_type});
    if (pending_bytes_ < kCommitBytesMax && pending_.size() < kCommitRowsMax) return success();
    return flush();
  }

  Result<void> await_delivery(std::chrono::steady_clock::time_point) override {
    if (failure_) return *failure_;
    return flush();
  }

 private:
  Result<void> flush() {
    if (pending_.empty()) return success();
    auto appended = log_.append_all(upload_, pending_);
    if (!appended) {
      failure_ = appended.error();
      return *failure_;
    }
    pending_.clear();
    pending_bytes_ = 0;
    return success();
  }

  SqliteLog& log_;
  UploadId upload_;
  std::vector<Pending> pending_;
  std::size_t pending_bytes_ = 0;
  std::optional<Error> failure_;
};

class SqliteReader final : public LogReader {
 public:
  SqliteReader(SqliteLog& log, std::string group, db::Database reader)
      : log_(log), group_(std::move(group)), reader_(std::move(reader)) {}
  ~SqliteReader() override { log_.leave(group_); }
  SqliteReader(const SqliteReader&) = delete;
  SqliteReader& operator=(const SqliteReader&) = delete;

  Result<Polled> poll(const PollLimits& limits) override {
    DD_TRY(log_.check_running());
    if (!assigned_) {
      assigned_ = true;
      return Polled(Assigned{{log_.state()}});
    }
    const auto deadline = std::chrono::steady_clock::now() + limits.wait_max;
    const Offset wanted = next_.value_or(Offset(INT64_MAX - 1));  // nothing is read until `start`
    if (!log_.wait_beyond(wanted, deadline)) {
      DD_TRY(log_.check_running());
      return Polled(Idle{});
    }
    return read(limits);
  }

  Result<void> start(const std::vector<StartPosition>& positions) override {
    for (const auto& position : positions) {
      const PartitionState state = log_.state();
      if (!assigned_ || position.partition != state.partition) return not_assigned(position.partition);
      DD_TRY(check_offset(state, position.offset));
      next_ = position.offset;
    }
    return success();
  }

  Result<void> release(const std::vector<PartitionRef>&) override {
    next_.reset();
    return success();
  }

  Result<std::vector<PartitionState>> watermarks() override {
    DD_TRY(log_.check_running());
    if (!assigned_) return std::vector<PartitionState>();
    return std::vector<PartitionState>{log_.state()};
  }

 private:
  Result<Polled> read(const PollLimits& limits) {
    DD_TRY(auto select, reader_.prepare("SELECT log_offset, message_key, value FROM log_messages "
                                        "WHERE log_offset >= ? ORDER BY log_offset LIMIT ?"));
    select.bind(1, next_->value).bind(2, static_cast<std::int64_t>(limits.records_max));
    const PartitionState state = log_.state();
    Records found;
    std::size_t bytes = 0;
    Offset next = *next_;
    while (bytes < limits.bytes_max) {
      DD_TRY(const bool row, select.step());
      if (!row) break;
      if (const Offset offset(select.number(0)); offset != next) return missing(next, offset);
      found.records.push_back(
          {state.partition, next, std::string(select.text(1)), std::string(select.text(2))});
      bytes += found.records.back().key.size() + found.records.back().value->size();
      next = next.next();
    }
    if (found.records.empty()) return missing(next, state.high);
    next_ = next;
    return Polled(std::move(found));
  }

  /// The message at `wanted` is missing: it was trimmed while this reader was reading, or the file is
  /// damaged.
  Error missing(Offset wanted, Offset found) {
    if (auto in_range = check_offset(log_.state(), wanted); !in_range) return in_range.error();
    return Error{ErrorCode::corrupt, "log-gap",
                 fmt::format("{} has no message at offset {} but continues at offset {}",
                             log_.options().path.string(), wanted.value, found.value),
                 "move the file away and run `deltadrop republish`"};
  }

  SqliteLog& log_;
  std::string group_;
  db::Database reader_;
  bool assigned_ = false;
  std::optional<Offset> next_;
};

Result<std::unique_ptr<Publication>> SqliteLog::publish(const UploadId& upload) {
  DD_TRY(check_running());
  return std::unique_ptr<Publication>(std::make_unique<SqlitePublication>(*this, upload));
}

Result<std::unique_ptr<LogReader>> SqliteLog::join(const std::string& group) {
  DD_TRY(check_running());
  DD_TRY(auto reader, db::Database::open(options_.path, db::Access::read_only));
  const std::lock_guard lock(state_mutex_);
  if (!groups_.insert(group).second) {
    return Error{ErrorCode::conflict, "reader-exists",
                 fmt::format("group {} already reads {}", group, options_.path.string()),
                 "run one consumer on an embedded log"};
  }
  return std::unique_ptr<LogReader>(std::make_unique<SqliteReader>(*this, group, std::move(reader)));
}

Result<void> SqliteLog::begin_group() {
  const std::lock_guard lock(state_mutex_);
  group_low_ = low_;
  group_high_ = high_;
  return success();
}

Result<void> SqliteLog::end_group() {
  const std::lock_guard lock(state_mutex_);
  failure_.reset();
  low_ = group_low_;
  high_ = group_high_;
  changed_.notify_all();
  return success();
}

Result<void> SqliteLog::insert_all(db::Database& writer, const UploadId& upload,
                                   const std::vector<Pending>& messages) {
  DD_TRY(auto insert, writer.prepare("INSERT INTO log_messages (log_offset, message_key, value, event_type, "
                                     "upload_id, appended_at) VALUES (?, ?, ?, ?, ?, ?)"));
  const std::string upload_id = upload.to_string();
  const std::string appended_at = clock_.now().to_string();
  Offset offset = group_high_;
  for (const auto& message : messages) {
    insert.bind(1, offset.value).bind(2, message.key).bind(3, message.value);
    insert.bind(4, to_string(message.event_type)).bind(5, upload_id).bind(6, appended_at);
    DD_TRY(insert.run());
    offset = offset.next();
  }
  // Update it last: if an insert fails, the next publication reuses these offsets.
  group_high_ = offset;
  return success();
}

Result<void> SqliteLog::append_all(const UploadId& upload, const std::vector<Pending>& messages) {
  DD_TRY(check_running());
  auto appended = writer_.run([&](db::Database& writer) { return insert_all(writer, upload, messages); });
  if (!appended) set_failure(appended.error());
  return appended;
}

/// Only after a failed write, writes once to check whether the disk works again. If another write is in
/// progress, that write will tell.
Result<void> SqliteLog::health(std::chrono::milliseconds) {
  DD_TRY(check_running());
  const auto failure = last_failure();
  if (!failure) return success();
  const auto written = writer_.run_if_idle(
      [](db::Database& writer) { return writer.execute("UPDATE log_identity SET low = low"); });
  return written ? *written : Result<void>(*failure);
}

Result<bool> SqliteLog::trim_some(db::Database& writer, Offset before, Timestamp appended_before) {
  Offset end = std::min({before, group_high_, Offset(group_low_.value + kTrimRowsMax)});
  if (end <= group_low_) return false;
  {
    DD_TRY(auto young, writer.prepare("SELECT log_offset FROM log_messages WHERE log_offset < ? "
                                      "AND appended_at >= ? ORDER BY log_offset LIMIT 1"));
    const std::string bound = appended_before.to_string();
    young.bind(1, end.value).bind(2, bound);
    DD_TRY(const bool found, young.step());
    if (found) end = Offset(young.number(0));
  }
  if (end <= group_low_) return false;
  {
    DD_TRY(auto move_low, writer.prepare("UPDATE log_identity SET low = ?"));
    DD_TRY(move_low.bind(1, end.value).run());
    DD_TRY(auto drop, writer.prepare("DELETE FROM log_messages WHERE log_offset < ?"));
    DD_TRY(drop.bind(1, end.value).run());
  }
  group_low_ = end;
  return true;
}

Result<void> SqliteLog::trim(const PartitionRef& partition, Offset before, Timestamp appended_before) {
  if (partition != state().partition) {
    return Error{ErrorCode::not_found, "no-such-partition",
                 "the log has no partition " + to_string(partition), ""};
  }
  while (true) {
    DD_TRY(check_running());
    bool more = false;
    DD_TRY(writer_.run([&](db::Database& writer) -> Result<void> {
      DD_TRY(more, trim_some(writer, before, appended_before));
      return success();
    }));
    if (!more) return success();
  }
}

/// Reads the log's identity and watermarks. Creates the identity on the first call.
Result<Contents> load(db::Database& writer, const Options& options, io::Clock& clock) {
  Contents contents;
  DD_TRY(auto transaction, db::Transaction::begin(writer));
  {
    DD_TRY(auto select, writer.prepare("SELECT topic, cluster_id, topic_id, low FROM log_identity"));
    DD_TRY(const bool known, select.step());
    if (known && select.text(0) != options.topic) {
      return Error{
          ErrorCode::conflict, "other-topic",
          fmt::format("{} contains topic {}, not {}", options.path.string(), select.text(0), options.topic),
          "use the topic that the log was created with"};
    }
    if (known) {
      contents.identity = {std::string(select.text(1)), std::string(select.text(2))};
      contents.low = Offset(select.number(3));
    } else {
      contents.identity = {io::new_upload_id(clock.now()).to_string(),
                           io::new_upload_id(clock.now()).to_string()};
    }
  }
  {
    DD_TRY(auto insert, writer.prepare("INSERT INTO log_identity (topic, cluster_id, topic_id, low) "
                                       "VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"));
    insert.bind(1, options.topic)
        .bind(2, contents.identity.cluster_id)
        .bind(3, contents.identity.topic_id)
        .bind(4, contents.low.value);
    DD_TRY(insert.run());
  }
  {
    DD_TRY(auto select, writer.prepare("SELECT max(log_offset) FROM log_messages"));
    DD_TRY(select.step());
    const auto last = select.optional_number(0);
    contents.high = last ? std::max(contents.low, Offset(*last + 1)) : contents.low;
  }
  DD_TRY(transaction.commit());
  return contents;
}

}  // namespace

Result<std::unique_ptr<EventLog>> open(Options options, io::Clock& clock) {
  DD_TRY(auto writer, db::Database::open(options.path));
  DD_TRY(writer.migrate(kMigrations));
  DD_TRY(const auto contents, load(writer, options, clock));
  return std::unique_ptr<EventLog>(
      std::make_unique<SqliteLog>(std::move(options), clock, std::move(writer), contents));
}

}  // namespace deltadrop::eventlog::sqlite
