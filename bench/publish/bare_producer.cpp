#include "bare_producer.hpp"

#include <fmt/format.h>
#include <librdkafka/rdkafka.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>

namespace deltadrop::bench {
namespace {

constexpr int kPatienceMs = 120'000;

[[noreturn]] void give_up(const std::string& why) {
  fmt::print(stderr, "the bare loop failed: {}\n", why);
  std::exit(1);
}

void on_delivery(rd_kafka_t*, const rd_kafka_message_t* message, void* delivered) {
  if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) give_up(rd_kafka_message_errstr(message));
  ++*static_cast<std::size_t*>(delivered);
}

rd_kafka_t* make_producer(const std::map<std::string, std::string>& properties, std::size_t& delivered) {
  std::array<char, 512> reason{};
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  for (const auto& [name, value] : properties) {
    if (rd_kafka_conf_set(conf, name.c_str(), value.c_str(), reason.data(), reason.size()) !=
        RD_KAFKA_CONF_OK) {
      give_up(reason.data());
    }
  }
  rd_kafka_conf_set_opaque(conf, &delivered);
  rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
  rd_kafka_t* producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason.data(), reason.size());
  if (producer == nullptr) give_up(reason.data());
  return producer;
}

void produce(rd_kafka_t* producer, const std::string& topic, const std::string& upload_id,
             const ReadyMessage& message) {
  while (true) {
    const auto code = rd_kafka_producev(
        producer, RD_KAFKA_V_TOPIC(topic.c_str()), RD_KAFKA_V_KEY(message.key.data(), message.key.size()),
        RD_KAFKA_V_VALUE(const_cast<char*>(message.value.data()), message.value.size()),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
        RD_KAFKA_V_HEADER("event_type", message.event_type.data(), message.event_type.size()),
        RD_KAFKA_V_HEADER("content-type", "application/json", -1),
        RD_KAFKA_V_HEADER("upload_id", upload_id.data(), upload_id.size()), RD_KAFKA_V_END);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return;
    if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL) give_up(rd_kafka_err2str(code));
    rd_kafka_poll(producer, 100);
  }
}

}  // namespace

double produce_bare(const std::string& bootstrap_servers, const std::string& topic,
                    const std::string& upload_id, const std::vector<ReadyMessage>& messages,
                    const std::map<std::string, std::string>& properties) {
  std::map<std::string, std::string> all = {{"bootstrap.servers", bootstrap_servers},
                                            {"acks", "all"},
                                            {"enable.idempotence", "true"},
                                            {"partitioner", "murmur2_random"},
                                            {"queue.buffering.max.messages", "1000000"}};
  all.insert(properties.begin(), properties.end());
  std::size_t delivered = 0;
  rd_kafka_t* producer = make_producer(all, delivered);
  // Fetch the topic's metadata first; otherwise the producer's first message waits for it.
  const rd_kafka_metadata_t* metadata = nullptr;
  if (rd_kafka_metadata(producer, 0, rd_kafka_topic_new(producer, topic.c_str(), nullptr), &metadata,
                        kPatienceMs) != RD_KAFKA_RESP_ERR_NO_ERROR) {
    give_up("no metadata of the topic");
  }
  rd_kafka_metadata_destroy(metadata);
  const auto begin = std::chrono::steady_clock::now();
  for (const auto& message : messages) {
    produce(producer, topic, upload_id, message);
    rd_kafka_poll(producer, 0);
  }
  if (rd_kafka_flush(producer, kPatienceMs) != RD_KAFKA_RESP_ERR_NO_ERROR || delivered != messages.size()) {
    give_up(fmt::format("{} of {} messages were acknowledged", delivered, messages.size()));
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  rd_kafka_destroy(producer);
  return seconds;
}

}  // namespace deltadrop::bench
