#include "event_log_contract.hpp"
#include "eventlog/kafka_log.hpp"
#include "support/kafka_server.hpp"
#include "support/result_check.hpp"

namespace deltadrop::eventlog {
namespace {

using testing::must;

/// Creates a new topic for each new directory.
std::unique_ptr<EventLog> open_kafka(const std::filesystem::path& folder, io::Clock&) {
  const std::string& address = testing::shared_kafka_server().address();
  if (std::filesystem::create_directory(folder / "topic-made")) testing::delete_kafka_topic(address, "topic");
  return must(kafka::open({.bootstrap_servers = address,
                           .topic = "topic",
                           .message_bytes_max = kMessageBytesMax,
                           .partitions = 3}));
}

const Adapter kAdapters[] = {{"kafka", open_kafka}};

}  // namespace

std::span<const Adapter> adapters() { return kAdapters; }

}  // namespace deltadrop::eventlog
