#include "support/kafka_server.hpp"

#include <fmt/format.h>
#include <librdkafka/rdkafka.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>

namespace deltadrop::testing {
namespace {

constexpr int kTimeoutMs = 30'000;

[[noreturn]] void give_up(const std::string& reason) {
  fmt::print(stderr, "{}\n", reason);
  std::abort();
}

/// A client for one request.
class Asker {
 public:
  explicit Asker(const std::string& address) {
    rd_kafka_conf_t* conf = rd_kafka_conf_new();
    std::array<char, 256> reason{};
    rd_kafka_conf_set(conf, "bootstrap.servers", address.c_str(), reason.data(), reason.size());
    rd_kafka_conf_set(conf, "message.max.bytes", "20000000", reason.data(), reason.size());
    client_ = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason.data(), reason.size());
    if (client_ == nullptr) give_up(reason.data());
    queue_ = rd_kafka_queue_new(client_);
  }
  ~Asker() {
    if (event_ != nullptr) rd_kafka_event_destroy(event_);
    rd_kafka_queue_destroy(queue_);
    rd_kafka_destroy(client_);
  }
  Asker(const Asker&) = delete;
  Asker& operator=(const Asker&) = delete;

  [[nodiscard]] rd_kafka_t* client() const { return client_; }

  rd_kafka_event_t* ask(const std::function<void(rd_kafka_t*, rd_kafka_queue_t*)>& begin) {
    begin(client_, queue_);
    event_ = rd_kafka_queue_poll(queue_, kTimeoutMs);
    if (event_ == nullptr) give_up("the broker did not answer");
    if (rd_kafka_event_error(event_) != RD_KAFKA_RESP_ERR_NO_ERROR)
      give_up(rd_kafka_event_error_string(event_));
    return event_;
  }

 private:
  rd_kafka_t* client_;
  rd_kafka_queue_t* queue_;
  rd_kafka_event_t* event_ = nullptr;
};

}  // namespace

KafkaServer::KafkaServer() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
    give_up("no socket for the broker");
  const std::string script = std::string(DELTADROP_SOURCE_DIR) + "/tests/support/kafka_server.py";
  const std::string folder = folder_.path() / "kafka";
  pid_ = ::fork();
  if (pid_ == 0) {
    ::dup2(ends[1], STDIN_FILENO);
    ::dup2(ends[1], STDOUT_FILENO);
    ::execlp("/usr/bin/python3", "python3", script.c_str(), folder.c_str(), nullptr);
    ::_exit(127);
  }
  ::close(ends[1]);
  socket_ = ends[0];
  answers_ = ::fdopen(::dup(socket_), "r");
  command("start");
}

KafkaServer::~KafkaServer() {
  ::shutdown(socket_, SHUT_RDWR);  // the script's input ends, so it ends the broker and exits
  ::waitpid(pid_, nullptr, 0);
  std::fclose(answers_);
  ::close(socket_);
}

void KafkaServer::command(const std::string& name) {
  const std::string line = name + "\n";
  std::array<char, 4096> answer{};
  if (::write(socket_, line.data(), line.size()) != static_cast<ssize_t>(line.size()) ||
      std::fgets(answer.data(), answer.size(), answers_) == nullptr) {
    give_up("tests/support/kafka_server.py has ended; run tools/bootstrap.sh test");
  }
  const std::string said = answer.data();
  if (said.rfind("ok ", 0) != 0) give_up(name + ": " + said);
  address_ = said.substr(3, said.find('\n') - 3);
}

KafkaServer& shared_kafka_server() {
  static KafkaServer server;
  return server;
}

void delete_kafka_topic(const std::string& address, const std::string& topic) {
  Asker asker(address);
  auto* wanted = rd_kafka_DeleteTopic_new(topic.c_str());
  const auto* event = asker.ask([&](rd_kafka_t* client, rd_kafka_queue_t* queue) {
    rd_kafka_DeleteTopics(client, &wanted, 1, nullptr, queue);
  });
  rd_kafka_DeleteTopic_destroy(wanted);
  std::size_t count = 0;
  const auto code = rd_kafka_topic_result_error(rd_kafka_DeleteTopics_result_topics(
      rd_kafka_event_DeleteTopics_result(const_cast<rd_kafka_event_t*>(event)), &count)[0]);
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR && code != RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) {
    give_up(fmt::format("topic {} cannot be deleted: {}", topic, rd_kafka_err2str(code)));
  }
}

void make_kafka_topic(const std::string& address, const std::string& topic, int partitions,
                      const std::string& property, const std::string& value) {
  Asker asker(address);
  std::array<char, 256> reason{};
  auto* wanted = rd_kafka_NewTopic_new(topic.c_str(), partitions, 1, reason.data(), reason.size());
  if (!property.empty()) rd_kafka_NewTopic_set_config(wanted, property.c_str(), value.c_str());
  auto* event = asker.ask([&](rd_kafka_t* client, rd_kafka_queue_t* queue) {
    rd_kafka_CreateTopics(client, &wanted, 1, nullptr, queue);
  });
  rd_kafka_NewTopic_destroy(wanted);
  std::size_t count = 0;
  const auto code = rd_kafka_topic_result_error(
      rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count)[0]);
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
    give_up(fmt::format("topic {} cannot be made: {}", topic, rd_kafka_err2str(code)));
  }
}

std::string kafka_topic_property(const std::string& address, const std::string& topic,
                                 const std::string& property) {
  Asker asker(address);
  auto* wanted = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic.c_str());
  auto* event = asker.ask([&](rd_kafka_t* client, rd_kafka_queue_t* queue) {
    rd_kafka_DescribeConfigs(client, &wanted, 1, nullptr, queue);
  });
  rd_kafka_ConfigResource_destroy(wanted);
  std::size_t count = 0;
  const auto* const* resources =
      rd_kafka_DescribeConfigs_result_resources(rd_kafka_event_DescribeConfigs_result(event), &count);
  const auto* const* entries = rd_kafka_ConfigResource_configs(resources[0], &count);
  for (std::size_t i = 0; i < count; ++i) {
    if (rd_kafka_ConfigEntry_name(entries[i]) == property) return rd_kafka_ConfigEntry_value(entries[i]);
  }
  return "";
}

void drop_kafka_messages_before(const std::string& address, const std::string& topic, int partition,
                                long offset) {
  Asker asker(address);
  auto* offsets = rd_kafka_topic_partition_list_new(1);
  rd_kafka_topic_partition_list_add(offsets, topic.c_str(), partition)->offset = offset;
  auto* wanted = rd_kafka_DeleteRecords_new(offsets);
  rd_kafka_topic_partition_list_destroy(offsets);
  auto* event = asker.ask([&](rd_kafka_t* client, rd_kafka_queue_t* queue) {
    rd_kafka_DeleteRecords(client, &wanted, 1, nullptr, queue);
  });
  rd_kafka_DeleteRecords_destroy(wanted);
  const auto code =
      rd_kafka_DeleteRecords_result_offsets(rd_kafka_event_DeleteRecords_result(event))->elems[0].err;
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) give_up(fmt::format("{}: {}", topic, rd_kafka_err2str(code)));
}

void put_kafka_message(const std::string& address, const std::string& topic, int partition, const char* key,
                       const std::optional<std::string>& value) {
  const Asker asker(address);
  const std::string bytes = value.value_or("");
  void* payload = value ? const_cast<char*>(bytes.data()) : nullptr;
  rd_kafka_topic_t* to = rd_kafka_topic_new(asker.client(), topic.c_str(), nullptr);
  const int failed = rd_kafka_produce(to, partition, RD_KAFKA_MSG_F_COPY, payload, bytes.size(), key,
                                      key == nullptr ? 0 : std::strlen(key), nullptr);
  rd_kafka_topic_destroy(to);
  if (failed != 0) give_up(rd_kafka_err2str(rd_kafka_last_error()));
  if (rd_kafka_flush(asker.client(), kTimeoutMs) != RD_KAFKA_RESP_ERR_NO_ERROR)
    give_up("the message did not go out");
}

}  // namespace deltadrop::testing
