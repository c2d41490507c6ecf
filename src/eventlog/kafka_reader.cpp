#include "eventlog/kafka_reader.hpp"

#include <fmt/format.h>
#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "eventlog/checks.hpp"
#include "eventlog/signature.hpp"

namespace deltadrop::eventlog::kafka {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// How long a call of the reader waits for a response about the topic.
constexpr milliseconds kAnswerTimeout{5000};
/// How often the reader checks that the topic is still the same: librdkafka does not report that it was
/// recreated.
constexpr milliseconds kTopicCheckEvery{5000};
constexpr milliseconds kTopicCheckAgain{500};

struct MessageDeleter {
  void operator()(rd_kafka_message_t* message) const noexcept { rd_kafka_message_destroy(message); }
};
using ReadMessage = std::unique_ptr<rd_kafka_message_t, MessageDeleter>;
using PartitionList =
    std::unique_ptr<rd_kafka_topic_partition_list_t, decltype(&rd_kafka_topic_partition_list_destroy)>;

std::map<std::string, std::string> properties_of(const Options& options, const std::string& group) {
  return {
      {"group.id", group},
      // Eager assignment: all readers release their partitions before any partition is assigned, so the
      // caller's transactions never overlap.
      {"partition.assignment.strategy", "range"},
      {"group.protocol", "classic"},
      {"enable.auto.commit", "false"},
      {"enable.auto.offset.store", "false"},
      {"auto.offset.reset", "error"},
      {"session.timeout.ms", std::to_string(options.session_timeout.count())},
      {"heartbeat.interval.ms",
       std::to_string(std::max<std::int64_t>(options.session_timeout.count() / 10, 100))},
      {"max.poll.interval.ms",
       std::to_string(std::max(options.poll_interval_max, options.session_timeout).count())},
      {"queued.max.messages.kbytes", "32768"},
      {"fetch.queue.backoff.ms", "50"},
  };
}

std::string_view header_of(const rd_kafka_message_t& message, const char* name) {
  rd_kafka_headers_t* headers = nullptr;
  const void* value = nullptr;
  std::size_t size = 0;
  if (rd_kafka_message_headers(&message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR ||
      rd_kafka_header_get_last(headers, name, &value, &size) != RD_KAFKA_RESP_ERR_NO_ERROR ||
      value == nullptr) {
    return {};
  }
  return {static_cast<const char*>(value), size};
}

class KafkaReader final : public LogReader {
 public:
  KafkaReader(const Options& options, std::string group, Admin& admin, Interrupt& interrupt)
      : options_(options),
        group_(std::move(group)),
        admin_(admin),
        interrupt_(interrupt),
        context_(options, this),
        signatures_(options.signature_keys),
        check_queue_(admin.new_queue()) {}
  ~KafkaReader() override { close(); }
  KafkaReader(const KafkaReader&) = delete;
  KafkaReader& operator=(const KafkaReader&) = delete;

  Result<void> open();

  Result<Polled> poll(const PollLimits& limits) override;
  Result<void> start(const std::vector<StartPosition>& positions) override;
  Result<void> release(const std::vector<PartitionRef>& partitions) override;
  Result<std::vector<PartitionState>> watermarks() override;

  void on_rebalance(rd_kafka_resp_err_t code, const rd_kafka_topic_partition_list_t* partitions);

 private:
  [[nodiscard]] std::vector<PartitionRef> held_partitions() const;
  void close();
  Result<void> subscribe();
  Result<std::optional<Polled>> next_change();
  Result<void> check_topic();
  bool give_up_if_another(const TopicDescription& description);
  void revoke(bool lost);
  Result<void> apply_positions();
  Result<void> take_error(const rd_kafka_message_t& message);
  void take(const rd_kafka_message_t& message, Records& found, std::size_t& bytes);
  Result<void> check_out_of_range();
  /// Waits up to `wait` for one message, then takes further available messages up to `limits`.
  Result<void> collect(const PollLimits& limits, milliseconds wait, Records& found);

  const Options& options_;
  std::string group_;
  Admin& admin_;
  Interrupt& interrupt_;
  ClientContext context_;
  const Signatures signatures_;
  Queue check_queue_;  ///< receives the responses for check_topic
  Client client_;
  Queue queue_;
  std::unique_ptr<Interrupt::Watch> watch_;

  bool subscribed_ = false;
  bool closing_ = false;
  LogIdentity identity_;                                ///< of the assigned topic
  std::map<PartitionRef, std::optional<Offset>> held_;  ///< the next offset to read; empty until `start`
  std::set<PartitionRef> out_of_range_;                 ///< stopped until `start`
  std::optional<std::vector<PartitionRef>> assigned_;   ///< not yet reported to the caller
  std::optional<Revoked> revoked_;                      ///< not yet reported to the caller
  bool releasing_ = false;                              ///< reported to the caller, not yet released
  bool group_waits_ = false;                            ///< the group waits for the release
  bool another_topic_ = false;                          ///< the held partitions belong to a deleted topic
  bool checking_ = false;                               ///< check_queue_ will receive a response
  steady_clock::time_point next_check_;
};

void on_rebalance(rd_kafka_t* client, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t* partitions,
                  void* opaque) {
  static_cast<KafkaReader*>(static_cast<ClientContext*>(opaque)->owner())->on_rebalance(code, partitions);
  rd_kafka_yield(client);  // makes the current poll return and report the change
}

Result<void> KafkaReader::open() {
  DD_TRY(client_, make_client(Role::consumer, options_, properties_of(options_, group_), context_,
                              [](rd_kafka_conf_t* conf) {
                                rd_kafka_conf_set_rebalance_cb(conf, kafka::on_rebalance);
                              }));
  rd_kafka_poll_set_consumer(client_.get());
  queue_.reset(rd_kafka_queue_get_consumer(client_.get()));
  watch_ = std::make_unique<Interrupt::Watch>(interrupt_, queue_.get());
  return success();
}

/// Leaves the group. The next poll joins again with a new client, which has no knowledge of the old topic.
void KafkaReader::close() {
  watch_.reset();
  queue_.reset();
  if (!client_) return;
  closing_ = true;
  if (group_waits_) rd_kafka_assign(client_.get(), nullptr);
  rd_kafka_consumer_close(client_.get());
  client_.reset();
  closing_ = false;
  group_waits_ = false;
  subscribed_ = false;
  assigned_.reset();
  identity_ = {};
}

std::vector<PartitionRef> KafkaReader::held_partitions() const {
  std::vector<PartitionRef> partitions;
  partitions.reserve(held_.size());
  for (const auto& [partition, next] : held_) partitions.push_back(partition);
  return partitions;
}

/// Runs on the thread that polls or closes the client.
void KafkaReader::on_rebalance(rd_kafka_resp_err_t code, const rd_kafka_topic_partition_list_t* partitions) {
  if (code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
    assigned_.emplace();
    for (int i = 0; i < partitions->cnt; ++i) {
      assigned_->push_back({partitions->elems[i].topic, Partition(partitions->elems[i].partition)});
    }
    std::sort(assigned_->begin(), assigned_->end());
    // Complete the rebalance at once, with nothing to read yet: `start` gives the offsets.
    const PartitionList none(rd_kafka_topic_partition_list_new(0), rd_kafka_topic_partition_list_destroy);
    rd_kafka_assign(client_.get(), none.get());
    return;
  }
  assigned_.reset();
  if (closing_ || held_.empty()) {
    rd_kafka_assign(client_.get(), nullptr);
    return;
  }
  group_waits_ = true;
  revoke(rd_kafka_assignment_lost(client_.get()) != 0);
}

void KafkaReader::revoke(bool lost) {
  if (releasing_) return;  // already reported
  revoked_ = Revoked{held_partitions(), lost || (revoked_ && revoked_->lost)};
}

Result<void> KafkaReader::subscribe() {
  if (subscribed_) return success();
  if (!client_) {
    DD_TRY(open());
  }
  DD_TRY(admin_.ensure_topic(kAnswerTimeout));
  const PartitionList topics(rd_kafka_topic_partition_list_new(1), rd_kafka_topic_partition_list_destroy);
  rd_kafka_topic_partition_list_add(topics.get(), options_.topic.c_str(), RD_KAFKA_PARTITION_UA);
  if (const auto code = rd_kafka_subscribe(client_.get(), topics.get()); code != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return broker_error(options_, "joining group " + group_ + " failed", code, rd_kafka_err2str(code));
  }
  subscribed_ = true;
  return success();
}

Result<std::optional<Polled>> KafkaReader::next_change() {
  if (revoked_) {
    for (auto& [partition, next] : held_) next.reset();
    out_of_range_.clear();
    releasing_ = true;
    return std::optional<Polled>(*std::exchange(revoked_, std::nullopt));
  }
  if (!assigned_ || releasing_) return std::optional<Polled>();
  DD_TRY(auto description, admin_.describe(kAnswerTimeout));
  DD_TRY(auto states, admin_.watermarks(*assigned_, description.identity, kAnswerTimeout));
  if (!identity_.topic_id.empty() && description.identity != identity_) {
    close();
    DD_TRY(subscribe());
    return std::optional<Polled>();
  }
  identity_ = std::move(description.identity);
  for (const auto& partition : *assigned_) held_[partition];
  assigned_.reset();
  next_check_ = steady_clock::now() + kTopicCheckEvery;
  context_.answered();
  return std::optional<Polled>(Assigned{std::move(states)});
}

/// Detects that the topic was deleted and created again, and gives it up so that it is assigned again. Does
/// not wait.
Result<void> KafkaReader::check_topic() {
  if (!checking_) {
    if (steady_clock::now() < next_check_ || (held_.empty() && !context_.all_down())) return success();
    admin_.begin_describe(check_queue_.get(), kAnswerTimeout);
    checking_ = true;
  }
  const Event event(rd_kafka_queue_poll(check_queue_.get(), 0));
  if (!event) return success();
  checking_ = false;
  next_check_ = steady_clock::now() + kTopicCheckAgain;
  DD_TRY(const auto description, admin_.read_description(event.get()));
  next_check_ = steady_clock::now() + kTopicCheckEvery;
  context_.answered();
  give_up_if_another(description);
  return success();
}

/// Returns true if the assigned topic no longer exists. Its partitions are then lost, and the new topic is
/// assigned as another log.
bool KafkaReader::give_up_if_another(const TopicDescription& description) {
  if (description.identity == identity_ || held_.empty() || releasing_) return false;
  context_.log(fmt::format("topic {} was recreated: its id changed from {} to {}", options_.topic,
                           identity_.topic_id, description.identity.topic_id));
  revoke(true);
  another_topic_ = true;
  return true;
}

Result<Polled> KafkaReader::poll(const PollLimits& limits) {
  if (interrupt_.fired()) return interrupted();
  DD_TRY(subscribe());
  const auto deadline = steady_clock::now() + limits.wait_max;
  while (true) {
    DD_TRY(auto change, next_change());
    if (change) return std::move(*change);
    if (!out_of_range_.empty()) {
      DD_TRY(const auto description, admin_.describe(kAnswerTimeout));
      if (give_up_if_another(description)) continue;
      DD_TRY(check_out_of_range());
    }
    DD_TRY(check_topic());
    if (revoked_) continue;
    const auto left = std::chrono::duration_cast<milliseconds>(deadline - steady_clock::now());
    Records found;
    DD_TRY(collect(limits, std::clamp(left, milliseconds{0}, kTopicCheckAgain), found));
    if (interrupt_.fired()) return interrupted();
    if (!found.records.empty()) return Polled(std::move(found));
    const bool changed = revoked_ || (assigned_ && !releasing_) || !out_of_range_.empty();
    if (!changed && steady_clock::now() >= deadline) break;
  }
  if (context_.all_down())
    return kafka_unavailable(options_, "cannot reach any broker", context_.complaint());
  return Polled(Idle{});
}

Result<void> KafkaReader::collect(const PollLimits& limits, milliseconds wait, Records& found) {
  std::size_t bytes = 0;
  while (found.records.size() < limits.records_max && bytes < limits.bytes_max) {
    const int wait_ms = found.records.empty() ? static_cast<int>(wait.count()) : 0;
    const ReadMessage message(rd_kafka_consumer_poll(client_.get(), wait_ms));
    if (!message) return success();
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
      take(*message, found, bytes);
    } else {
      auto taken = take_error(*message);
      // Return the records first; librdkafka reports the error again.
      if (!taken && found.records.empty()) return taken.error();
      if (!taken || !out_of_range_.empty()) return success();
    }
    if (revoked_) return success();
  }
  return success();
}

void KafkaReader::take(const rd_kafka_message_t& message, Records& found, std::size_t& bytes) {
  PartitionRef partition{options_.topic, Partition(message.partition)};
  const auto held = held_.find(partition);
  const Offset offset(message.offset);
  // The message was fetched before its partition was revoked or started at another offset.
  if (held == held_.end() || !held->second || offset < *held->second) return;
  held->second = offset.next();
  std::string key(static_cast<const char*>(message.key), message.key == nullptr ? 0 : message.key_len);
  std::optional<std::string> value;
  if (message.payload != nullptr) value.emplace(static_cast<const char*>(message.payload), message.len);
  bytes += message.key_len + message.len;
  const bool authentic = !signatures_.enabled() ||
                         (value && signatures_.are_valid(header_of(message, kSignatureHeader), key, *value));
  found.records.push_back({std::move(partition), offset, std::move(key), std::move(value), authentic});
}

Result<void> KafkaReader::take_error(const rd_kafka_message_t& message) {
  const std::string reason = rd_kafka_message_errstr(&message);
  switch (message.err) {
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
    case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE: {
      const PartitionRef partition{options_.topic, Partition(message.partition)};
      const auto held = held_.find(partition);
      if (held != held_.end() && held->second) out_of_range_.insert(partition);
      return success();
    }
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
      return broker_error(options_, "group " + group_, message.err, reason);
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_ID:
      next_check_ = steady_clock::now();
      return success();
    case RD_KAFKA_RESP_ERR__FATAL:
      return kafka_unavailable(options_, "this reader failed and must rejoin its group", reason);
    default:
      context_.complain(reason, message.err == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN);
      return success();
  }
}

/// Fails if the next offset of a partition is not in the log. An error about a position from before the last
/// `start` only stopped the partition, so start it again.
Result<void> KafkaReader::check_out_of_range() {
  const std::vector<PartitionRef> partitions(out_of_range_.begin(), out_of_range_.end());
  DD_TRY(const auto states, admin_.watermarks(partitions, identity_, kAnswerTimeout));
  for (const auto& state : states) {
    DD_TRY(check_offset(state, held_[state.partition].value_or(state.low)));
  }
  out_of_range_.clear();
  return apply_positions();
}

Result<void> KafkaReader::apply_positions() {
  if (!client_) return success();  // closed: nothing is held
  const PartitionList positions(rd_kafka_topic_partition_list_new(static_cast<int>(held_.size())),
                                rd_kafka_topic_partition_list_destroy);
  for (const auto& [partition, next] : held_) {
    if (!next) continue;
    rd_kafka_topic_partition_list_add(positions.get(), partition.topic.c_str(), partition.partition.value)
        ->offset = next->value;
  }
  if (const auto code = rd_kafka_assign(client_.get(), positions.get()); code != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return broker_error(options_, "cannot read the partitions", code, rd_kafka_err2str(code));
  }
  return success();
}

Result<void> KafkaReader::start(const std::vector<StartPosition>& positions) {
  if (interrupt_.fired()) return interrupted();
  std::vector<PartitionRef> partitions;
  for (const auto& position : positions) {
    if (releasing_ || !held_.contains(position.partition)) return not_assigned(position.partition);
    partitions.push_back(position.partition);
  }
  DD_TRY(const auto states, admin_.watermarks(partitions, identity_, kAnswerTimeout));
  for (std::size_t i = 0; i < positions.size(); ++i) {
    DD_TRY(check_offset(states[i], positions[i].offset));
  }
  for (const auto& position : positions) {
    held_[position.partition] = position.offset;
    out_of_range_.erase(position.partition);
  }
  return apply_positions();
}

Result<void> KafkaReader::release(const std::vector<PartitionRef>& partitions) {
  for (const auto& partition : partitions) {
    held_.erase(partition);
    out_of_range_.erase(partition);
  }
  const bool finished = releasing_ && held_.empty();
  if (finished) releasing_ = false;
  if (finished && std::exchange(another_topic_, false)) {
    close();
    return success();
  }
  if (finished && group_waits_) {
    group_waits_ = false;
    rd_kafka_assign(client_.get(), nullptr);
    return success();
  }
  return group_waits_ ? success() : apply_positions();
}

Result<std::vector<PartitionState>> KafkaReader::watermarks() {
  if (interrupt_.fired()) return interrupted();
  return admin_.watermarks(held_partitions(), identity_, kAnswerTimeout);
}

}  // namespace

Result<std::unique_ptr<LogReader>> open_reader(const Options& options, const std::string& group, Admin& admin,
                                               Interrupt& interrupt) {
  auto reader = std::make_unique<KafkaReader>(options, group, admin, interrupt);
  DD_TRY(reader->open());
  return std::unique_ptr<LogReader>(std::move(reader));
}

}  // namespace deltadrop::eventlog::kafka
