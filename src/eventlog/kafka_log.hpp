#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "eventlog/event_log.hpp"

/// The log as one topic of Apache Kafka, through librdkafka. Offsets are never committed to Kafka: the caller
/// stores them with its data and passes them to `start`.
namespace deltadrop::eventlog::kafka {

struct Options {
  std::string bootstrap_servers = "localhost:9092";
  std::string topic = "cdc-events";
  std::size_t message_bytes_max = 1'000'000;

  // For a topic that Deltadrop creates. An existing topic keeps its settings.
  std::int32_t partitions = 6;
  std::int16_t replication = -1;            ///< copies of a partition; -1 means the broker's default
  std::chrono::milliseconds retention{-1};  ///< -1 means forever

  /// `health` fails if a message waits longer than this for its acknowledgement.
  std::chrono::milliseconds publish_timeout{10'000};
  /// The limit of unacknowledged bytes over all publications. `append` blocks above it.
  std::size_t unacknowledged_bytes_max = std::size_t{64} << 20;

  std::chrono::milliseconds session_timeout{10'000};
  std::chrono::milliseconds poll_interval_max{
      300'000};  ///< a reader that polls less often loses its partitions

  /// The keys of message signatures: the first signs, all verify. If empty, messages are neither signed nor
  /// verified.
  std::vector<std::string> signature_keys = {};

  /// librdkafka's properties: security.protocol, sasl.username, compression.codec... `open` rejects
  /// properties that this adapter's guarantees depend on.
  std::map<std::string, std::string> properties = {};
  /// Receives librdkafka's log lines, from any thread.
  std::function<void(const std::string& line)> on_log = {};
  /// Receives messages for the operator. The same message may arrive often.
  std::function<void(const std::string& line)> on_notice = {};
};

/// Opens the log without contacting a broker. The first publish, poll or health check connects, and creates
/// or checks the topic; until that succeeds, they return `unavailable` with the reason. A compacted topic is
/// conflict, type "topic-compacted"; one that accepts only smaller messages is conflict, type
/// "topic-message-size". `open` itself fails with invalid_input, type "kafka-property".
Result<std::unique_ptr<EventLog>> open(Options options);

}  // namespace deltadrop::eventlog::kafka
