#include "eventlog/kafka_producer.hpp"

#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <array>
#include <memory>
#include <thread>

#include "support/result_check.hpp"

/// Responses that a real broker rarely gives on demand, from librdkafka's mock broker in this process.
namespace deltadrop::eventlog::kafka {
namespace {

using deltadrop::testing::error_of;
using deltadrop::testing::must;
using namespace std::chrono_literals;
using std::chrono::steady_clock;

constexpr std::int16_t kProduceRequest = 0;

class KafkaProducer : public ::testing::Test {
 protected:
  KafkaProducer() {
    std::array<char, 256> reason{};
    rd_kafka_conf_t* conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "log_level", "3", reason.data(),
                      reason.size());  // no message about the missing broker
    client_ = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason.data(), reason.size());
    cluster_ = rd_kafka_mock_cluster_new(client_, 1);
    rd_kafka_mock_topic_create(cluster_, "topic", 1, 1);
    options_.bootstrap_servers = rd_kafka_mock_cluster_bootstraps(cluster_);
    options_.topic = "topic";
  }
  ~KafkaProducer() override {
    rd_kafka_mock_cluster_destroy(cluster_);
    rd_kafka_destroy(client_);
  }
  KafkaProducer(const KafkaProducer&) = delete;
  KafkaProducer& operator=(const KafkaProducer&) = delete;

  static steady_clock::time_point soon() { return steady_clock::now() + 20s; }

  Result<void> append(Publication& publication, const std::string& value) const {
    return publication.append({"key", value, ChangeType::insert, upload_});
  }

  void answer_next_with(rd_kafka_resp_err_t code, int times = 1) {
    for (int i = 0; i < times; ++i) rd_kafka_mock_push_request_errors(cluster_, kProduceRequest, 1, code);
  }

  Options options_;
  UploadId upload_ = UploadId::parse("0195f3a0-7c00-7000-8000-000000000001").value();
  rd_kafka_t* client_;
  rd_kafka_mock_cluster_t* cluster_;
};

TEST_F(KafkaProducer, AFatalErrorPutsEveryPublicationInDoubt) {
  const auto producer = must(Producer::open(options_, 1'000'000));
  const auto done = producer->publish(upload_);
  must(append(*done, "before"));
  must(done->await_delivery(soon()));
  const auto first = producer->publish(upload_);
  const auto second = producer->publish(upload_);
  rd_kafka_mock_broker_set_down(cluster_, 1);
  must(append(*first, "1"));
  must(append(*second, "2"));
  EXPECT_TRUE(producer->usable());
  rd_kafka_test_fatal_error(producer->client(), RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER,
                            "for the test");
  EXPECT_EQ(error_of(first->await_delivery(soon())), "in_doubt/kafka-in-doubt");
  EXPECT_EQ(error_of(second->await_delivery(soon())), "in_doubt/kafka-in-doubt");
  EXPECT_EQ(error_of(append(*first, "3")), "in_doubt/kafka-in-doubt");
  EXPECT_EQ(error_of(done->await_delivery(soon())), "") << "a delivered message stays delivered";
  EXPECT_FALSE(producer->usable());
}

TEST_F(KafkaProducer, ErrorsThatPassAreTriedAgain) {
  const auto producer = must(Producer::open(options_, 1'000'000));
  answer_next_with(RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, 2);
  answer_next_with(RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, 2);
  answer_next_with(RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT, 2);
  const auto publication = producer->publish(upload_);
  must(append(*publication, "1"));
  EXPECT_EQ(error_of(publication->await_delivery(soon())), "");
  EXPECT_TRUE(producer->usable());
}

TEST_F(KafkaProducer, AMessageThatTheBrokerRefusesEndsItsPublicationOnly) {
  const auto producer = must(Producer::open(options_, 1'000'000));
  const auto refused = producer->publish(upload_);
  answer_next_with(RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
  must(append(*refused, "1"));
  EXPECT_EQ(error_of(refused->await_delivery(soon())), "unavailable/kafka-unavailable");
  EXPECT_FALSE(producer->usable()) << "the next publication checks the topic again";
}

TEST_F(KafkaProducer, WaitsWhileTooMuchIsNotAcknowledged) {
  options_.unacknowledged_bytes_max = 10'000;
  const auto producer = must(Producer::open(options_, 1'000'000));
  EXPECT_EQ(producer->oldest_unacknowledged(), std::nullopt);
  rd_kafka_mock_broker_set_down(cluster_, 1);
  const auto publication = producer->publish(upload_);
  const std::string kilobyte(1000, 'x');
  int taken = 0;
  std::thread writer([&] {
    for (; taken < 30; ++taken) must(append(*publication, kilobyte));
  });
  EXPECT_EQ(error_of(producer->publish(upload_)->await_delivery(soon())), "") << "nothing to wait for";
  rd_kafka_mock_broker_set_up(cluster_, 1);
  writer.join();
  EXPECT_EQ(taken, 30);
  EXPECT_EQ(error_of(publication->await_delivery(soon())), "");
  EXPECT_EQ(producer->oldest_unacknowledged(), std::nullopt);
}

TEST_F(KafkaProducer, AnInterruptWakesAWriterThatWaitsForRoom) {
  options_.unacknowledged_bytes_max = 2'000;
  const auto producer = must(Producer::open(options_, 1'000'000));
  rd_kafka_mock_broker_set_down(cluster_, 1);
  const auto publication = producer->publish(upload_);
  must(append(*publication, std::string(1500, 'x')));
  std::string told;
  std::thread writer([&] { told = error_of(append(*publication, std::string(1500, 'x'))); });
  producer->interrupt();
  writer.join();
  EXPECT_EQ(told, "shutting_down/interrupted");
  EXPECT_NE(producer->oldest_unacknowledged(), std::nullopt);
}

}  // namespace
}  // namespace deltadrop::eventlog::kafka
