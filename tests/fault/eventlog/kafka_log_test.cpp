#include "eventlog/kafka_log.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <future>
#include <map>
#include <mutex>
#include <thread>

#include "support/kafka_server.hpp"
#include "support/result_check.hpp"

/// Behaviour that is specific to Kafka: settings of a topic, and accidents. Uses a real broker.
namespace deltadrop::eventlog {
namespace {

using testing::error_of;
using testing::must;
using testing::shared_kafka_server;
using namespace std::chrono_literals;
using std::chrono::steady_clock;

class KafkaLog : public ::testing::Test {
 protected:
  KafkaLog() {
    options_.bootstrap_servers = shared_kafka_server().address();
    options_.topic = ::testing::UnitTest::GetInstance()->current_test_info()->name();
    testing::delete_kafka_topic(options_.bootstrap_servers, options_.topic);
    options_.partitions = 2;
    options_.publish_timeout = 1s;
    options_.session_timeout = 2s;
  }

  static steady_clock::time_point soon() { return steady_clock::now() + 30s; }

  void append(Publication& publication, int from, int end) const {
    for (int i = from; i < end; ++i) {
      must(
          publication.append({fmt::format("c/t/{}", i % 5), std::to_string(i), ChangeType::update, upload_}));
    }
  }

  void publish(EventLog& log, int count) const {
    auto publication = must(log.publish(upload_));
    append(*publication, 0, count);
    must(publication->await_delivery(soon()));
  }

  template <class Wanted>
  static Wanted poll_until(LogReader& reader) {
    std::string last;
    for (const auto end = soon(); steady_clock::now() < end;) {
      auto polled = reader.poll({});
      last = polled ? std::to_string(polled.value().index()) : polled.error().text();
      if (!polled) continue;  // the awaited part may still be down
      if (auto* wanted = std::get_if<Wanted>(&polled.value())) return *wanted;
    }
    ADD_FAILURE() << "the reader was never told; its last poll: " << last;
    return {};
  }

  /// Reads from the topic's beginning until this many messages arrived.
  std::vector<Record> read_all(EventLog& log, std::size_t count) const {
    auto reader = must(log.join(options_.topic + "-reader"));
    for (const auto& state : poll_until<Assigned>(*reader).partitions) {
      must(reader->start({{state.partition, state.low}}));
    }
    std::vector<Record> all;
    for (const auto end = soon(); all.size() < count && steady_clock::now() < end;) {
      for (auto& record : poll_until<Records>(*reader).records) all.push_back(std::move(record));
    }
    std::int64_t held = 0;
    for (const auto& state : must(reader->watermarks())) held += state.high.value - state.low.value;
    EXPECT_EQ(held, static_cast<std::int64_t>(all.size())) << "the log contains more than was read";
    return all;
  }

  /// Checks that every number occurs once, and that the numbers of a key are in order.
  static void expect_each_once_in_order(const std::vector<Record>& records, int count) {
    ASSERT_EQ(records.size(), static_cast<std::size_t>(count));
    std::map<std::string, int> next;
    for (const auto& record : records) {
      const int number = std::stoi(record.value.value());
      const auto [expected, first] = next.try_emplace(record.key, number % 5);
      EXPECT_EQ(number, expected->second) << record.key;
      expected->second = number + 5;
    }
  }

  /// Repeats the check until health is as wanted.
  static std::string health_until(EventLog& log, bool good) {
    std::string last;
    for (const auto end = soon(); steady_clock::now() < end;) {
      auto health = log.health(500ms);
      if (health.has_value() == good) return good ? "" : health.error().text();
    }
    ADD_FAILURE() << "health did not become " << (good ? "good" : "bad");
    return last;
  }

  kafka::Options options_;
  UploadId upload_ = UploadId::parse("0195f3a0-7c00-7000-8000-000000000001").value();
};

TEST_F(KafkaLog, MakesTheTopicAsAsked) {
  options_.partitions = 4;
  options_.retention = std::chrono::hours(24);
  options_.message_bytes_max = 3'000'000;
  const auto log = must(kafka::open(options_));
  publish(*log, 1);
  auto reader = must(log->join("group"));
  EXPECT_EQ(poll_until<Assigned>(*reader).partitions.size(), 4U);
  const auto property = [&](const std::string& name) {
    return testing::kafka_topic_property(options_.bootstrap_servers, options_.topic, name);
  };
  EXPECT_EQ(property("cleanup.policy"), "delete");
  EXPECT_EQ(property("retention.ms"), "86400000");
  EXPECT_GT(std::stol(property("max.message.bytes")), 3'000'000);
  auto publication = must(log->publish(upload_));
  must(publication->append({"c/t/big", std::string(2'999'000, 'x'), ChangeType::insert, upload_}));
  must(publication->await_delivery(soon()));
}

TEST_F(KafkaLog, RefusesATopicThatDoesNotSuit) {
  struct Case {
    std::string property;
    std::string value;
    std::string error;
  };
  const Case cases[] = {{"cleanup.policy", "compact", "conflict/topic-compacted"},
                        {"cleanup.policy", "compact,delete", "conflict/topic-compacted"},
                        {"max.message.bytes", "900000", "conflict/topic-message-size"},
                        {"max.message.bytes", "1000000", "conflict/topic-message-size"},
                        {"max.message.bytes", "1010000", ""}};
  int number = 0;
  for (const auto& [property, value, error] : cases) {
    options_.topic = fmt::format("unsuitable-{}", ++number);
    testing::delete_kafka_topic(options_.bootstrap_servers, options_.topic);
    testing::make_kafka_topic(options_.bootstrap_servers, options_.topic, 1, property, value);
    const auto log = must(kafka::open(options_));
    EXPECT_EQ(error_of(log->publish(upload_)), error) << property << "=" << value;
    EXPECT_EQ(error_of(log->health(5s)), error) << property << "=" << value;
    EXPECT_EQ(error_of(must(log->join("group"))->poll({})), error) << property << "=" << value;
  }
}

TEST_F(KafkaLog, RefusesPropertiesThatAreWrongOrOurs) {
  const std::pair<std::string, std::string> cases[] = {{"no.such.property", "1"},
                                                       {"linger.ms", "soon"},
                                                       {"acks", "1"},
                                                       {"enable.idempotence", "false"},
                                                       {"auto.offset.reset", "latest"},
                                                       {"security.protocol", "carrier_pigeon"}};
  for (const auto& property : cases) {
    options_.properties = {property};
    EXPECT_EQ(error_of(kafka::open(options_)), "invalid_input/kafka-property") << property.first;
  }
  options_.properties = {{"linger.ms", "1"}, {"compression.codec", "lz4"}};
  publish(*must(kafka::open(options_)), 10);
}

TEST_F(KafkaLog, OpensWithoutABrokerAndSaysWhatItWaitsFor) {
  options_.bootstrap_servers = "127.0.0.1:1";
  const auto log = must(kafka::open(options_));
  const auto health = log->health(500ms);
  ASSERT_FALSE(health);
  EXPECT_EQ(health.error().code, ErrorCode::unavailable);
  EXPECT_NE(health.error().message.find("127.0.0.1:1"), std::string::npos) << health.error().message;
  EXPECT_NE(health.error().message.find("refused"), std::string::npos) << health.error().message;
  auto reader = must(log->join("group"));
  auto publishing = std::async(std::launch::async, [&] { return error_of(log->publish(upload_)); });
  auto polling = std::async(std::launch::async, [&] { return error_of(reader->poll({})); });
  log->interrupt();
  EXPECT_EQ(publishing.get(), "shutting_down/interrupted");
  EXPECT_EQ(polling.get(), "shutting_down/interrupted");
}

TEST_F(KafkaLog, ABrokerStoppedWhilePublishingLosesNothingAndRepeatsNothing) {
  const auto log = must(kafka::open(options_));
  auto publication = must(log->publish(upload_));
  append(*publication, 0, 2000);
  must(publication->await_delivery(soon()));
  append(*publication, 2000, 4000);
  shared_kafka_server().stop();
  append(*publication, 4000, 6000);
  EXPECT_EQ(error_of(publication->await_delivery(steady_clock::now() + 100ms)),
            "timed_out/kafka-not-acknowledged");
  EXPECT_NE(health_until(*log, false), "");
  auto writer = std::async(std::launch::async, [&] { append(*publication, 6000, 8000); });
  shared_kafka_server().start();
  writer.get();
  EXPECT_EQ(error_of(publication->await_delivery(soon())), "");
  health_until(*log, true);
  expect_each_once_in_order(read_all(*log, 8000), 8000);
}

TEST_F(KafkaLog, AFrozenBrokerLosesNothingAndRepeatsNothing) {
  const auto log = must(kafka::open(options_));
  auto publication = must(log->publish(upload_));
  append(*publication, 0, 1000);
  shared_kafka_server().freeze();
  append(*publication, 1000, 2000);
  EXPECT_NE(health_until(*log, false), "");
  shared_kafka_server().thaw();
  EXPECT_EQ(error_of(publication->await_delivery(soon())), "");
  health_until(*log, true);
  expect_each_once_in_order(read_all(*log, 2000), 2000);
}

TEST_F(KafkaLog, AReaderGoesOnAfterTheBrokerWasAway) {
  const auto log = must(kafka::open(options_));
  publish(*log, 100);
  auto reader = must(log->join("group"));
  for (const auto& state : poll_until<Assigned>(*reader).partitions) {
    must(reader->start({{state.partition, state.low}}));
  }
  std::size_t seen = 0;
  while (seen < 100 && !HasFailure()) seen += poll_until<Records>(*reader).records.size();
  shared_kafka_server().stop();
  std::string told;
  for (const auto end = soon(); told.empty() && steady_clock::now() < end;) told = error_of(reader->poll({}));
  EXPECT_EQ(told, "unavailable/kafka-unavailable");
  shared_kafka_server().start();
  publish(*log, 100);
  while (seen < 200) {
    auto polled = reader->poll({});
    if (!polled) continue;
    if (auto* found = std::get_if<Records>(&polled.value())) seen += found->records.size();
    // A reader that is away for longer than its session may get a new assignment; messages read by then are
    // not read again.
    if (auto* revoked = std::get_if<Revoked>(&polled.value())) must(reader->release(revoked->partitions));
    if (auto* assigned = std::get_if<Assigned>(&polled.value())) {
      const std::size_t before = seen;
      seen = 0;
      for (const auto& state : assigned->partitions) must(reader->start({{state.partition, state.low}}));
      EXPECT_GE(before, 100U);
    }
  }
  EXPECT_EQ(seen, 200U);
}

TEST_F(KafkaLog, ATopicMadeAgainIsAnotherLog) {
  const auto log = must(kafka::open(options_));
  publish(*log, 50);
  auto reader = must(log->join("group"));
  const auto before = poll_until<Assigned>(*reader).partitions;
  for (const auto& state : before) must(reader->start({{state.partition, state.high}}));
  testing::delete_kafka_topic(options_.bootstrap_servers, options_.topic);
  const auto other = must(kafka::open(options_));
  publish(*other, 80);
  const auto revoked = poll_until<Revoked>(*reader);
  EXPECT_EQ(revoked.partitions.size(), before.size());
  must(reader->release(revoked.partitions));
  const auto after = poll_until<Assigned>(*reader).partitions;
  ASSERT_EQ(after.size(), before.size());
  EXPECT_EQ(after[0].identity.cluster_id, before[0].identity.cluster_id);
  EXPECT_NE(after[0].identity.topic_id, before[0].identity.topic_id);
  std::size_t seen = 0;
  for (const auto& state : after) must(reader->start({{state.partition, state.low}}));
  while (seen < 80 && !HasFailure()) seen += poll_until<Records>(*reader).records.size();
  EXPECT_EQ(seen, 80U);
}

TEST_F(KafkaLog, MessagesDroppedByRetentionAreAnOffsetOutOfRange) {
  options_.partitions = 1;
  const auto log = must(kafka::open(options_));
  publish(*log, 20);
  auto reader = must(log->join("group"));
  const auto states = poll_until<Assigned>(*reader).partitions;
  ASSERT_EQ(states.size(), 1U);
  testing::drop_kafka_messages_before(options_.bootstrap_servers, options_.topic, 0, 10);
  EXPECT_EQ(error_of(reader->start({{states[0].partition, Offset(3)}})), "conflict/offset-out-of-range");
  EXPECT_EQ(must(reader->watermarks())[0].low, Offset(10));
  // Delete the messages just before the reader reads them.
  must(reader->start({{states[0].partition, Offset(20)}}));
  publish(*log, 20);
  testing::drop_kafka_messages_before(options_.bootstrap_servers, options_.topic, 0, 40);
  publish(*log, 5);
  std::string told;
  std::size_t read = 0;
  for (const auto end = soon(); told.empty() && read < 25 && steady_clock::now() < end;) {
    auto polled = reader->poll({});
    told = error_of(polled);
    if (polled && std::holds_alternative<Records>(polled.value()))
      read += std::get<Records>(polled.value()).records.size();
  }
  // The reader either fetched all messages in time, or got an error.
  EXPECT_TRUE(read == 25 || told == "conflict/offset-out-of-range") << read << " read, " << told;
  must(reader->start({{states[0].partition, Offset(40)}}));
  EXPECT_EQ(poll_until<Records>(*reader).records[0].offset, Offset(40));
}

TEST_F(KafkaLog, ReadsWhatOthersPutThere) {
  options_.partitions = 1;
  testing::make_kafka_topic(options_.bootstrap_servers, options_.topic, 1, "max.message.bytes", "10000000");
  const auto put = [&](const char* key, const std::optional<std::string>& value) {
    testing::put_kafka_message(options_.bootstrap_servers, options_.topic, 0, key, value);
  };
  const std::string huge(5'000'000, 'g');
  put("tombstone", std::nullopt);
  put(nullptr, "not JSON");
  put("huge", huge);
  put("last", "");
  const auto log = must(kafka::open(options_));
  const auto all = read_all(*log, 4);
  ASSERT_EQ(all.size(), 4U);
  EXPECT_FALSE(all[0].value.has_value());
  EXPECT_EQ(all[1].key, "");
  EXPECT_EQ(all[1].value, "not JSON");
  EXPECT_EQ(all[2].value, huge);
  EXPECT_EQ(all[3].value, "");
}

TEST_F(KafkaLog, PublishesAgainIntoATopicThatWasDeleted) {
  const auto log = must(kafka::open(options_));
  publish(*log, 10);
  testing::delete_kafka_topic(options_.bootstrap_servers, options_.topic);
  // Publish the whole upload again until it is delivered, as the publisher does.
  bool delivered = false;
  for (const auto end = soon(); !delivered && steady_clock::now() < end;) {
    auto publication = log->publish(upload_);
    if (!publication) continue;
    const Message message{"c/t/1", "1", ChangeType::insert, upload_};
    delivered = publication.value()->append(message) && publication.value()->await_delivery(soon());
  }
  EXPECT_TRUE(delivered);
}

}  // namespace
}  // namespace deltadrop::eventlog
