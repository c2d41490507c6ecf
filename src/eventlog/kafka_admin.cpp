#include "eventlog/kafka_admin.hpp"

#include <fmt/format.h>
#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <string_view>
#include <utility>

#include "eventlog/checks.hpp"

namespace deltadrop::eventlog::kafka {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// The overhead of a batch with one message, besides key, value and headers (61 bytes of the batch, up to 21
/// of the record).
constexpr std::size_t kBatchOverheadBytes = 128;
/// Kafka's default of max.message.bytes.
constexpr std::size_t kBatchBytesDefault = 1'048'588;
/// The interval between two queries for a new topic, until all brokers know it.
constexpr milliseconds kPropagationWait{50};

using AdminOptions = std::unique_ptr<rd_kafka_AdminOptions_t, decltype(&rd_kafka_AdminOptions_destroy)>;
using PartitionList =
    std::unique_ptr<rd_kafka_topic_partition_list_t, decltype(&rd_kafka_topic_partition_list_destroy)>;
using NewTopic = std::unique_ptr<rd_kafka_NewTopic_t, decltype(&rd_kafka_NewTopic_destroy)>;
using ConfigResource = std::unique_ptr<rd_kafka_ConfigResource_t, decltype(&rd_kafka_ConfigResource_destroy)>;
using TopicCollection =
    std::unique_ptr<rd_kafka_TopicCollection_t, decltype(&rd_kafka_TopicCollection_destroy)>;

milliseconds left_until(steady_clock::time_point deadline) {
  const auto left = std::chrono::duration_cast<milliseconds>(deadline - steady_clock::now());
  return std::max(left, milliseconds{1});
}

AdminOptions options_for(rd_kafka_t* client, int operation, milliseconds timeout) {
  AdminOptions made(rd_kafka_AdminOptions_new(client, static_cast<rd_kafka_admin_op_t>(operation)),
                    rd_kafka_AdminOptions_destroy);
  std::array<char, 256> reason{};
  // Setting the timeout fails only for a number out of range.
  const auto bounded = static_cast<int>(std::clamp<std::int64_t>(timeout.count(), 1, 3'600'000));
  rd_kafka_AdminOptions_set_request_timeout(made.get(), bounded, reason.data(), reason.size());
  return made;
}

constexpr const char* kNoTopic = "no-topic";
constexpr const char* kNoLeader = "kafka-no-leader";

Error no_topic(const Options& options) {
  return Error{
      ErrorCode::unavailable, kNoTopic,
      fmt::format("Kafka at {} has no topic {}", options.bootstrap_servers, options.topic),
      "the next upload or health check creates it; allow this user to create topics, or create it yourself"};
}

Error compacted(const Options& options, std::string_view policy) {
  return Error{ErrorCode::conflict, "topic-compacted",
               fmt::format("topic {} has cleanup.policy={}: it would drop all but the last event of a key",
                           options.topic, policy),
               "set the topic's cleanup.policy to delete, or set KAFKA_TOPIC to another topic"};
}

Error too_small(const Options& options, std::size_t wanted, std::size_t has) {
  return Error{
      ErrorCode::conflict, "topic-message-size",
      fmt::format("topic {} accepts messages up to {} bytes (max.message.bytes), but an event may need {}",
                  options.topic, has, wanted),
      "raise the topic's max.message.bytes, or lower MAX_EVENT_BYTES"};
}

}  // namespace

Error broker_error(const Options& options, const std::string& what, int code, const std::string& reason) {
  switch (code) {
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
      return Error{
          ErrorCode::unavailable, "kafka-not-authorized",
          fmt::format("Kafka at {}: {}: {}", options.bootstrap_servers, what, reason),
          fmt::format("grant this user Describe, Read and Write on topic {} and Read on its group; Deltadrop "
                      "retries by itself",
                      options.topic)};
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_ID:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
      return no_topic(options);
    case RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION:
    case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE: {
      Error error = kafka_unavailable(options, what, reason);
      error.type = kNoLeader;
      return error;
    }
    default:
      return kafka_unavailable(options, what, reason);
  }
}

Admin::Admin(const Options& options, Interrupt& interrupt)
    : options_(options), interrupt_(interrupt), context_(options, nullptr) {}

Result<std::unique_ptr<Admin>> Admin::open(const Options& options, Interrupt& interrupt) {
  std::unique_ptr<Admin> admin(new Admin(options, interrupt));
  DD_TRY(admin->client_, make_client(Role::admin, options, {}, admin->context_));
  return admin;
}

template <class Begin>
Result<Event> Admin::ask(int operation, const std::string& what, milliseconds timeout, const Begin& begin) {
  if (interrupt_.fired()) return interrupted();
  const Queue queue(rd_kafka_queue_new(client_.get()));
  const Interrupt::Watch watch(interrupt_, queue.get());
  const AdminOptions options = options_for(client_.get(), operation, timeout);
  begin(options.get(), queue.get());
  // librdkafka reports the timeout itself. The extra time allows for a late report.
  constexpr milliseconds kLate{500};
  Event event(rd_kafka_queue_poll(queue.get(), static_cast<int>((timeout + kLate).count())));
  if (interrupt_.fired()) return interrupted();
  rd_kafka_poll(client_.get(), 0);  // delivers errors to the context
  const int code = event ? rd_kafka_event_error(event.get()) : RD_KAFKA_RESP_ERR__TIMED_OUT;
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
    const std::string complaint = context_.complaint();
    const char* reason = event ? rd_kafka_event_error_string(event.get()) : "no response";
    return broker_error(options_, what, code, complaint.empty() ? reason : complaint);
  }
  context_.answered();
  return event;
}

Queue Admin::new_queue() const { return Queue(rd_kafka_queue_new(client_.get())); }

void Admin::begin_describe(rd_kafka_queue_s* queue, milliseconds timeout) {
  std::array<const char*, 1> names = {options_.topic.c_str()};
  const TopicCollection topics(rd_kafka_TopicCollection_of_topic_names(names.data(), names.size()),
                               rd_kafka_TopicCollection_destroy);
  const AdminOptions options = options_for(client_.get(), RD_KAFKA_ADMIN_OP_DESCRIBETOPICS, timeout);
  rd_kafka_DescribeTopics(client_.get(), topics.get(), options.get(), queue);
}

Result<TopicDescription> Admin::read_description(rd_kafka_op_s* event) {
  if (const int code = rd_kafka_event_error(event); code != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return broker_error(options_, "cannot describe the topic", code, rd_kafka_event_error_string(event));
  }
  std::size_t count = 0;
  const auto* const* topics =
      rd_kafka_DescribeTopics_result_topics(rd_kafka_event_DescribeTopics_result(event), &count);
  if (count != 1) return no_topic(options_);
  if (const auto* error = rd_kafka_TopicDescription_error(topics[0]);
      rd_kafka_error_code(error) != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return broker_error(options_, "topic " + options_.topic, rd_kafka_error_code(error),
                        rd_kafka_error_string(error));
  }
  TopicDescription description;
  rd_kafka_TopicDescription_partitions(topics[0], &count);
  description.partitions = static_cast<std::int32_t>(count);
  description.identity.topic_id = rd_kafka_Uuid_base64str(rd_kafka_TopicDescription_topic_id(topics[0]));
  // The response above contained the id, so this call does not wait.
  char* cluster = rd_kafka_clusterid(client_.get(), 1000);
  if (cluster == nullptr) return kafka_unavailable(options_, "the cluster's id", "no response");
  description.identity.cluster_id = cluster;
  rd_kafka_mem_free(client_.get(), cluster);
  return description;
}

Result<TopicDescription> Admin::describe(milliseconds timeout) {
  DD_TRY(const auto event,
         ask(RD_KAFKA_ADMIN_OP_DESCRIBETOPICS, "cannot describe the topic", timeout,
             [&](rd_kafka_AdminOptions_t*, rd_kafka_queue_t* queue) { begin_describe(queue, timeout); }));
  return read_description(event.get());
}

Result<TopicDescription> Admin::make_topic(steady_clock::time_point deadline) {
  std::array<char, 256> reason{};
  const NewTopic topic(rd_kafka_NewTopic_new(options_.topic.c_str(), options_.partitions,
                                             options_.replication, reason.data(), reason.size()),
                       rd_kafka_NewTopic_destroy);
  if (!topic) {
    return Error{ErrorCode::invalid_input, "kafka-topic",
                 fmt::format("cannot create topic {}: {}", options_.topic, reason.data()),
                 "correct KAFKA_TOPIC, KAFKA_PARTITIONS and KAFKA_REPLICATION"};
  }
  rd_kafka_NewTopic_set_config(topic.get(), "cleanup.policy", "delete");
  rd_kafka_NewTopic_set_config(topic.get(), "retention.ms",
                               std::to_string(options_.retention.count()).c_str());
  const std::size_t batch_bytes =
      std::max(kBatchBytesDefault, options_.message_bytes_max + kBatchOverheadBytes);
  rd_kafka_NewTopic_set_config(topic.get(), "max.message.bytes", std::to_string(batch_bytes).c_str());
  std::array<rd_kafka_NewTopic_t*, 1> topics = {topic.get()};
  DD_TRY(const auto event,
         ask(RD_KAFKA_ADMIN_OP_CREATETOPICS, "cannot create the topic", left_until(deadline),
             [&](rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
               rd_kafka_CreateTopics(client_.get(), topics.data(), topics.size(), options, queue);
             }));
  std::size_t count = 0;
  const auto* const* results =
      rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event.get()), &count);
  const auto code = count == 1 ? rd_kafka_topic_result_error(results[0]) : RD_KAFKA_RESP_ERR__BAD_MSG;
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR && code != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) {
    const char* said = count == 1 ? rd_kafka_topic_result_error_string(results[0]) : nullptr;
    return broker_error(options_, fmt::format("cannot create topic {}", options_.topic), code,
                        said != nullptr ? said : rd_kafka_err2str(code));
  }
  context_.log(fmt::format("created topic {} with {} partitions", options_.topic, options_.partitions));
  while (true) {
    auto description = describe(left_until(deadline));
    const bool again = !description && description.error().type == kNoTopic;
    if (!again || steady_clock::now() >= deadline) return description;
    wait_for_propagation();
  }
}

void Admin::wait_for_propagation() {
  const Queue nothing(rd_kafka_queue_new(client_.get()));
  const Interrupt::Watch watch(interrupt_, nothing.get());
  rd_kafka_queue_poll(nothing.get(), static_cast<int>(kPropagationWait.count()));
}

/// Checks the topic's settings and returns its max.message.bytes.
Result<std::size_t> Admin::check_settings(milliseconds timeout) {
  const ConfigResource topic(rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, options_.topic.c_str()),
                             rd_kafka_ConfigResource_destroy);
  std::array<rd_kafka_ConfigResource_t*, 1> resources = {topic.get()};
  DD_TRY(const auto event, ask(RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, "cannot read the topic's settings", timeout,
                               [&](rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
                                 rd_kafka_DescribeConfigs(client_.get(), resources.data(), resources.size(),
                                                          options, queue);
                               }));
  std::size_t count = 0;
  const auto* const* results =
      rd_kafka_DescribeConfigs_result_resources(rd_kafka_event_DescribeConfigs_result(event.get()), &count);
  const auto code = count == 1 ? rd_kafka_ConfigResource_error(results[0]) : RD_KAFKA_RESP_ERR__BAD_MSG;
  if (code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED) {
    // A user that may read and write the topic may still lack the right to read its settings.
    context_.log(fmt::format("this user may not read the settings of topic {}; assuming Kafka's defaults",
                             options_.topic));
    return kBatchBytesDefault;
  }
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return broker_error(options_, "cannot read the topic's settings", code, rd_kafka_err2str(code));
  }
  std::size_t batch_bytes_max = kBatchBytesDefault;
  const auto* const* entries = rd_kafka_ConfigResource_configs(results[0], &count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::string_view name = rd_kafka_ConfigEntry_name(entries[i]);
    const char* text = rd_kafka_ConfigEntry_value(entries[i]);
    const std::string_view value = text == nullptr ? "" : text;
    if (name == "cleanup.policy" && value.find("compact") != std::string_view::npos)
      return compacted(options_, value);
    if (name == "max.message.bytes")
      std::from_chars(value.data(), value.data() + value.size(), batch_bytes_max);
  }
  return batch_bytes_max;
}

Result<TopicFacts> Admin::ensure_topic(milliseconds timeout) {
  const auto deadline = steady_clock::now() + timeout;
  auto description = describe(timeout);
  if (!description && description.error().type == kNoTopic) description = make_topic(deadline);
  if (!description) return description.error();
  if (options_.on_notice && description.value().partitions != options_.partitions) {
    options_.on_notice(
        fmt::format("topic {} has {} partitions and keeps them; KAFKA_PARTITIONS={} applies only to a new "
                    "topic",
                    options_.topic, description.value().partitions, options_.partitions));
  }
  DD_TRY(const auto batch_bytes_max, check_settings(left_until(deadline)));
  const std::size_t wanted = options_.message_bytes_max + kBatchOverheadBytes;
  if (wanted > batch_bytes_max) return too_small(options_, wanted, batch_bytes_max);
  return TopicFacts{std::move(description).value(), batch_bytes_max};
}

Result<std::vector<Offset>> Admin::offsets(const std::vector<PartitionRef>& partitions, std::int64_t which,
                                           milliseconds timeout) {
  const auto deadline = steady_clock::now() + timeout;
  while (true) {
    auto found = ask_offsets(partitions, which, left_until(deadline));
    const bool again = !found && found.error().type == kNoLeader;
    if (!again || steady_clock::now() >= deadline) return found;
    wait_for_propagation();
  }
}

Result<std::vector<Offset>> Admin::ask_offsets(const std::vector<PartitionRef>& partitions,
                                               std::int64_t which, milliseconds timeout) {
  const PartitionList wanted(rd_kafka_topic_partition_list_new(static_cast<int>(partitions.size())),
                             rd_kafka_topic_partition_list_destroy);
  for (const auto& partition : partitions) {
    rd_kafka_topic_partition_list_add(wanted.get(), partition.topic.c_str(), partition.partition.value)
        ->offset = which;
  }
  DD_TRY(const auto event, ask(RD_KAFKA_ADMIN_OP_LISTOFFSETS, "cannot read the topic's offsets", timeout,
                               [&](rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
                                 rd_kafka_ListOffsets(client_.get(), wanted.get(), options, queue);
                               }));
  std::size_t count = 0;
  const auto* const* infos =
      rd_kafka_ListOffsets_result_infos(rd_kafka_event_ListOffsets_result(event.get()), &count);
  std::map<std::int32_t, Offset> found;
  for (std::size_t i = 0; i < count; ++i) {
    const auto* info = rd_kafka_ListOffsetsResultInfo_topic_partition(infos[i]);
    if (info->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
      return broker_error(options_, "cannot read the topic's offsets", info->err,
                          rd_kafka_err2str(info->err));
    }
    found[info->partition] = Offset(info->offset);
  }
  std::vector<Offset> in_order;
  for (const auto& partition : partitions) {
    const auto at = found.find(partition.partition.value);
    if (at == found.end()) {
      return kafka_unavailable(options_, "cannot read the topic's offsets",
                               to_string(partition) + " is missing");
    }
    in_order.push_back(at->second);
  }
  return in_order;
}

Result<std::vector<PartitionState>> Admin::watermarks(const std::vector<PartitionRef>& partitions,
                                                      const LogIdentity& identity, milliseconds timeout) {
  std::vector<PartitionState> states;
  if (partitions.empty()) return states;
  const auto deadline = steady_clock::now() + timeout;
  DD_TRY(const auto low, offsets(partitions, RD_KAFKA_OFFSET_SPEC_EARLIEST, timeout));
  DD_TRY(const auto high, offsets(partitions, RD_KAFKA_OFFSET_SPEC_LATEST, left_until(deadline)));
  for (std::size_t i = 0; i < partitions.size(); ++i)
    states.push_back({partitions[i], identity, low[i], high[i]});
  return states;
}

}  // namespace deltadrop::eventlog::kafka
