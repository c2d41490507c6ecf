#include "eventlog/memory_log.hpp"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <utility>

#include "eventlog/checks.hpp"

namespace deltadrop::eventlog::memory {
namespace {

struct Stored {
  std::string key;
  std::string value;
  Timestamp appended_at;
};

struct PartitionData {
  Offset low;
  std::deque<Stored> messages;
  [[nodiscard]] Offset high() const { return Offset(low.value + static_cast<std::int64_t>(messages.size())); }
};

struct Member {
  std::map<std::int32_t, std::optional<Offset>> owned;  ///< the next offset to read; empty until `start`
  std::int64_t generation = 0;                          ///< the generation that assigned `owned`
  bool told_to_release = false;
};

/// A consumer group, with its members in the order in which they joined. A member of an older generation
/// releases its partitions; once all have, each gets its range of the partitions.
struct Group {
  std::map<std::int64_t, Member> members;
  std::int64_t generation = 0;
  std::int64_t next_member = 0;
};

/// FNV-1a: gives the same hash on every machine, so that tests are repeatable.
std::uint64_t hash_of(std::string_view key) {
  std::uint64_t hash = 14695981039346656037ULL;
  for (const char c : key) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return hash;
}

class MemoryLog final : public EventLog {
 public:
  MemoryLog(Options options, io::Clock& clock)
      : options_(std::move(options)),
        clock_(clock),
        partitions_(static_cast<std::size_t>(options_.partitions)) {
    identity_ = {"memory-" + io::new_upload_id(clock.now()).to_string(),
                 io::new_upload_id(clock.now()).to_string()};
  }

  [[nodiscard]] Capabilities capabilities() const override {
    return {.survives_reopen = false, .shares_partitions = true, .trims = true};
  }
  Result<std::unique_ptr<Publication>> publish(const UploadId& upload) override;
  Result<std::unique_ptr<LogReader>> join(const std::string& group) override;

  Result<void> health(std::chrono::milliseconds) override {
    const std::lock_guard lock(mutex_);
    if (interrupted_) return interrupted();
    return success();
  }

  Result<void> trim(const PartitionRef& partition, Offset before, Timestamp appended_before) override {
    const std::lock_guard lock(mutex_);
    DD_TRY(auto index, index_of(partition));
    PartitionData& data = partitions_[index];
    while (data.low < before && !data.messages.empty() &&
           data.messages.front().appended_at < appended_before) {
      data.messages.pop_front();
      data.low = data.low.next();
    }
    return success();
  }

  void interrupt() noexcept override {
    const std::lock_guard lock(mutex_);
    interrupted_ = true;
    changed_.notify_all();
  }

  Result<void> append(const Message& message) {
    DD_TRY(check_message_size(message, options_.message_bytes_max));
    const std::lock_guard lock(mutex_);
    if (interrupted_) return interrupted();
    PartitionData& data = partitions_[hash_of(message.key) % partitions_.size()];
    data.messages.push_back({std::string(message.key), std::string(message.value), clock_.now()});
    changed_.notify_all();
    return success();
  }

  Result<void> await_delivery() {
    const std::lock_guard lock(mutex_);
    if (interrupted_) return interrupted();
    return success();
  }

  Result<Polled> poll(const std::string& group, std::int64_t id, const PollLimits& limits);
  Result<void> start(const std::string& group, std::int64_t id, const std::vector<StartPosition>& positions);
  Result<void> release(const std::string& group, std::int64_t id,
                       const std::vector<PartitionRef>& partitions);
  Result<std::vector<PartitionState>> watermarks(const std::string& group, std::int64_t id);
  void leave(const std::string& group, std::int64_t id);

 private:
  PartitionRef ref(std::int32_t partition) const { return {options_.topic, Partition(partition)}; }

  PartitionState state_of(std::int32_t partition) const {
    const PartitionData& data = partitions_[static_cast<std::size_t>(partition)];
    return {ref(partition), identity_, data.low, data.high()};
  }

  Result<std::size_t> index_of(const PartitionRef& partition) const {
    const auto index = static_cast<std::size_t>(partition.partition.value);
    if (partition.topic == options_.topic && index < partitions_.size()) return index;
    return Error{ErrorCode::not_found, "no-such-partition",
                 "the log has no partition " + to_string(partition), ""};
  }

  std::optional<Polled> rebalance_step(Group& group, std::int64_t id);
  Result<std::optional<Polled>> read_step(Member& member, const PollLimits& limits);

  Options options_;
  io::Clock& clock_;
  LogIdentity identity_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<PartitionData> partitions_;
  std::map<std::string, Group> groups_;
  bool interrupted_ = false;
};

class MemoryPublication final : public Publication {
 public:
  explicit MemoryPublication(MemoryLog& log) : log_(log) {}
  Result<void> append(const Message& message) override { return log_.append(message); }
  Result<void> await_delivery(std::chrono::steady_clock::time_point) override {
    return log_.await_delivery();
  }

 private:
  MemoryLog& log_;
};

class MemoryReader final : public LogReader {
 public:
  MemoryReader(MemoryLog& log, std::string group, std::int64_t id)
      : log_(log), group_(std::move(group)), id_(id) {}
  ~MemoryReader() override { log_.leave(group_, id_); }
  MemoryReader(const MemoryReader&) = delete;
  MemoryReader& operator=(const MemoryReader&) = delete;

  Result<Polled> poll(const PollLimits& limits) override { return log_.poll(group_, id_, limits); }
  Result<void> start(const std::vector<StartPosition>& positions) override {
    return log_.start(group_, id_, positions);
  }
  Result<void> release(const std::vector<PartitionRef>& partitions) override {
    return log_.release(group_, id_, partitions);
  }
  Result<std::vector<PartitionState>> watermarks() override { return log_.watermarks(group_, id_); }

 private:
  MemoryLog& log_;
  std::string group_;
  std::int64_t id_;
};

Result<std::unique_ptr<Publication>> MemoryLog::publish(const UploadId&) {
  DD_TRY(await_delivery());
  return std::unique_ptr<Publication>(std::make_unique<MemoryPublication>(*this));
}

Result<std::unique_ptr<LogReader>> MemoryLog::join(const std::string& group) {
  const std::lock_guard lock(mutex_);
  if (interrupted_) return interrupted();
  Group& joined = groups_[group];
  const std::int64_t id = ++joined.next_member;
  ++joined.generation;
  joined.members[id];
  changed_.notify_all();
  return std::unique_ptr<LogReader>(std::make_unique<MemoryReader>(*this, group, id));
}

void MemoryLog::leave(const std::string& group, std::int64_t id) {
  const std::lock_guard lock(mutex_);
  Group& left = groups_[group];
  left.members.erase(id);
  ++left.generation;
  changed_.notify_all();
}

std::optional<Polled> MemoryLog::rebalance_step(Group& group, std::int64_t id) {
  Member& member = group.members[id];
  if (member.generation == group.generation) return std::nullopt;
  if (!member.owned.empty()) {
    if (member.told_to_release) return std::nullopt;
    member.told_to_release = true;
    Revoked revoked;
    for (const auto& [partition, next] : member.owned) revoked.partitions.push_back(ref(partition));
    return revoked;
  }
  const bool all_released = std::all_of(group.members.begin(), group.members.end(), [&](const auto& each) {
    return each.second.owned.empty() || each.second.generation == group.generation;
  });
  if (!all_released) return std::nullopt;
  const auto members = static_cast<std::int32_t>(group.members.size());
  const auto place = static_cast<std::int32_t>(std::distance(group.members.begin(), group.members.find(id)));
  const std::int32_t share = options_.partitions / members;
  const std::int32_t bigger = options_.partitions % members;  // this many members get one more
  const std::int32_t first = place * share + std::min(place, bigger);
  const std::int32_t end = first + share + (place < bigger ? 1 : 0);
  Assigned assigned;
  for (std::int32_t partition = first; partition < end; ++partition) {
    member.owned[partition];
    assigned.partitions.push_back(state_of(partition));
  }
  member.generation = group.generation;
  return assigned;
}

Result<std::optional<Polled>> MemoryLog::read_step(Member& member, const PollLimits& limits) {
  Records found;
  std::size_t bytes = 0;
  for (auto& [partition, next] : member.owned) {
    if (!next) continue;
    DD_TRY(check_offset(state_of(partition), *next));
    const PartitionData& data = partitions_[static_cast<std::size_t>(partition)];
    while (*next < data.high() && found.records.size() < limits.records_max && bytes < limits.bytes_max) {
      const Stored& message = data.messages[static_cast<std::size_t>(next->value - data.low.value)];
      bytes += message.key.size() + message.value.size();
      found.records.push_back({ref(partition), *next, message.key, message.value});
      next = next->next();
    }
  }
  if (found.records.empty()) return std::optional<Polled>();
  return std::optional<Polled>(std::move(found));
}

Result<Polled> MemoryLog::poll(const std::string& group, std::int64_t id, const PollLimits& limits) {
  const auto deadline = std::chrono::steady_clock::now() + limits.wait_max;
  std::unique_lock lock(mutex_);
  while (true) {
    if (interrupted_) return interrupted();
    Group& joined = groups_[group];
    if (auto changed = rebalance_step(joined, id)) {
      changed_.notify_all();
      return std::move(*changed);
    }
    Member& member = joined.members[id];
    if (!member.told_to_release) {
      DD_TRY(auto found, read_step(member, limits));
      if (found) return std::move(*found);
    }
    if (changed_.wait_until(lock, deadline) == std::cv_status::timeout) return Polled(Idle{});
  }
}

Result<void> MemoryLog::start(const std::string& group, std::int64_t id,
                              const std::vector<StartPosition>& positions) {
  const std::lock_guard lock(mutex_);
  Member& member = groups_[group].members[id];
  for (const auto& [partition, offset] : positions) {
    const auto owned = member.owned.find(partition.partition.value);
    if (partition.topic != options_.topic || owned == member.owned.end()) return not_assigned(partition);
    DD_TRY(check_offset(state_of(partition.partition.value), offset));
    owned->second = offset;
  }
  return success();
}

Result<void> MemoryLog::release(const std::string& group, std::int64_t id,
                                const std::vector<PartitionRef>& partitions) {
  const std::lock_guard lock(mutex_);
  Member& member = groups_[group].members[id];
  for (const auto& partition : partitions) member.owned.erase(partition.partition.value);
  if (member.owned.empty()) member.told_to_release = false;
  changed_.notify_all();
  return success();
}

Result<std::vector<PartitionState>> MemoryLog::watermarks(const std::string& group, std::int64_t id) {
  const std::lock_guard lock(mutex_);
  if (interrupted_) return interrupted();
  std::vector<PartitionState> states;
  for (const auto& [partition, next] : groups_[group].members[id].owned)
    states.push_back(state_of(partition));
  return states;
}

}  // namespace

std::unique_ptr<EventLog> open(Options options, io::Clock& clock) {
  return std::make_unique<MemoryLog>(std::move(options), clock);
}

}  // namespace deltadrop::eventlog::memory
