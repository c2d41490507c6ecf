#pragma once

#include <sys/types.h>

#include <cstdio>
#include <optional>
#include <string>

#include "support/temporary_folder.hpp"

namespace deltadrop::testing {

/// A real Kafka broker (tests/support/kafka_server.py). The constructor starts it and the destructor ends it.
/// It keeps its address and its data over `stop` and `start`. If a step fails, prints the broker's message
/// and ends the test program.
class KafkaServer {
 public:
  KafkaServer();
  ~KafkaServer();
  KafkaServer(const KafkaServer&) = delete;
  KafkaServer& operator=(const KafkaServer&) = delete;

  [[nodiscard]] const std::string& address() const { return address_; }
  void start() { command("start"); }
  void stop() { command("stop"); }
  void kill() { command("kill"); }
  void freeze() { command("freeze"); }
  void thaw() { command("thaw"); }

 private:
  void command(const std::string& name);

  TemporaryFolder folder_;
  std::string address_;
  pid_t pid_ = -1;
  int socket_ = -1;
  std::FILE* answers_ = nullptr;
};

/// The broker that a test program shares. The first call starts it.
KafkaServer& shared_kafka_server();

/// Deletes the topic if it exists, and returns when the broker reports that it is gone.
void delete_kafka_topic(const std::string& address, const std::string& topic);
void make_kafka_topic(const std::string& address, const std::string& topic, int partitions,
                      const std::string& property = "", const std::string& value = "");
/// The broker's value of a topic's property.
std::string kafka_topic_property(const std::string& address, const std::string& topic,
                                 const std::string& property);
/// Deletes the messages before `offset`, as retention does.
void drop_kafka_messages_before(const std::string& address, const std::string& topic, int partition,
                                long offset);

/// Produces a message like any other program. Without a value, it is a tombstone.
void put_kafka_message(const std::string& address, const std::string& topic, int partition, const char* key,
                       const std::optional<std::string>& value);

}  // namespace deltadrop::testing
