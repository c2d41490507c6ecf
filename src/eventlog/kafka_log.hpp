#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "eventlog/event_log.hpp"

/// The log as one topic of Apache Kafka, by librdkafka. Offsets are never committed to Kafka: the caller
/// keeps them with its data and gives them to `start`.
namespace deltadrop::eventlog::kafka {

struct Options {
  std::string bootstrap_servers = "localhost:9092";
  std::string topic = "cdc-events";
  std::size_t message_bytes_max = 1'000'000;

  // Of a topic that is not there and so is made; one that is there stays as it is.
  std::int32_t partitions = 6;
  std::int16_t replication = -1;            ///< copies of a partition; -1: the broker's default
  std::chrono::milliseconds retention{-1};  ///< -1: for ever

  /// A message that is not acknowledged for so long makes `health` fail.
  std::chrono::milliseconds publish_timeout{10'000};
  /// What may be handed over and not acknowledged, over all publications; `append` waits beyond it.
  std::size_t unacknowledged_bytes_max = std::size_t{64} << 20;

  std::chrono::milliseconds session_timeout{10'000};
  std::chrono::milliseconds poll_interval_max{
      300'000};  ///< a reader that polls less often loses its partitions

  /// Keys of the messages' signatures: the first signs, all verify. None: messages are neither signed nor
  /// verified.
  std::vector<std::string> signature_keys = {};

  /// librdkafka's own properties: security.protocol, sasl.username, compression.codec... Those that the
  /// promises of this adapter rest on are refused.
  std::map<std::string, std::string> properties = {};
  /// Takes librdkafka's log lines, from any thread.
  std::function<void(const std::string& line)> on_log = {};
  /// Takes what an operator should know; the same line may come often.
  std::function<void(const std::string& line)> on_notice = {};
};

/// Needs no broker: it is looked for, and the topic looked at or made, when first published, joined or asked
/// for its health; until then these are `unavailable` and say what they wait for. A topic that is compacted,
/// or takes only smaller messages, is conflict "topic-compacted" or "topic-message-size". Errors:
/// invalid_input "kafka-property".
Result<std::unique_ptr<EventLog>> open(Options options);

}  // namespace deltadrop::eventlog::kafka
