#include "event_log_contract.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <future>
#include <map>
#include <set>
#include <thread>

#include "support/result_check.hpp"
#include "support/temporary_folder.hpp"

namespace deltadrop::eventlog {
namespace {

using testing::error_of;
using testing::must;
using namespace std::chrono_literals;

class EventLogContract : public ::testing::TestWithParam<Adapter> {
 protected:
  EventLogContract() { reopen(); }

  void reopen() {
    log_.reset();
    log_ = GetParam().open(folder_.path(), clock_);
  }

  void publish(const std::vector<std::pair<std::string, std::string>>& messages) {
    auto publication = must(log_->publish(upload_));
    for (const auto& [key, value] : messages)
      must(publication->append({key, value, ChangeType::insert, upload_}));
    must(publication->await_delivery(soon()));
  }

  void publish_numbers(int count, const std::string& key = "c/t/k") {
    std::vector<std::pair<std::string, std::string>> messages;
    for (int i = 0; i < count; ++i) messages.emplace_back(key, std::to_string(i));
    publish(messages);
  }

  static std::chrono::steady_clock::time_point soon() { return std::chrono::steady_clock::now() + 10s; }

  /// Joins the group and polls until partitions are assigned.
  std::unique_ptr<LogReader> joined(std::vector<PartitionState>* assigned = nullptr) {
    auto reader = must(log_->join("group"));
    auto states = must_be_assigned(*reader);
    if (assigned != nullptr) *assigned = states;
    return reader;
  }

  /// Polls until it gets a `Wanted`. Anything but Idle before that fails the test.
  template <class Wanted>
  static Wanted poll_until(LogReader& reader) {
    for (const auto end = soon(); std::chrono::steady_clock::now() < end;) {
      auto polled = must(reader.poll({}));
      if (auto* wanted = std::get_if<Wanted>(&polled)) return *wanted;
      EXPECT_TRUE(std::holds_alternative<Idle>(polled)) << "the reader got something else first";
    }
    ADD_FAILURE() << "the reader was never told";
    return {};
  }

  static std::vector<PartitionState> must_be_assigned(LogReader& reader) {
    return poll_until<Assigned>(reader).partitions;
  }

  static void start_at_low(LogReader& reader, const std::vector<PartitionState>& states) {
    std::vector<StartPosition> positions;
    for (const auto& state : states) positions.push_back({state.partition, state.low});
    must(reader.start(positions));
  }

  static std::vector<Record> read(LogReader& reader, std::size_t count, PollLimits limits = {}) {
    std::vector<Record> all;
    for (const auto end = soon(); all.size() < count && std::chrono::steady_clock::now() < end;) {
      auto polled = must(reader.poll(limits));
      if (auto* found = std::get_if<Records>(&polled)) {
        EXPECT_LE(found->records.size(), limits.records_max);
        all.insert(all.end(), found->records.begin(), found->records.end());
      }
    }
    EXPECT_EQ(all.size(), count);
    return all;
  }

  std::vector<Record> read_all(std::size_t count) {
    std::vector<PartitionState> states;
    auto reader = joined(&states);
    start_at_low(*reader, states);
    return read(*reader, count);
  }

  testing::TemporaryFolder folder_;
  io::ManualClock clock_{Timestamp{1'700'000'000'000}};
  std::unique_ptr<EventLog> log_;
  UploadId upload_ = UploadId::parse("0195f3a0-7c00-7000-8000-000000000001").value();
};

TEST_P(EventLogContract, KeepsTheOrderOfAKeyAndContiguousOffsets) {
  std::vector<std::pair<std::string, std::string>> messages;
  for (int i = 0; i < 300; ++i) messages.emplace_back(fmt::format("c/t/{}", i % 7), std::to_string(i));
  publish(messages);
  std::map<std::string, int> last_of_key;
  std::map<PartitionRef, Offset> next;
  for (const auto& record : read_all(300)) {
    const int number = std::stoi(record.value.value());
    const auto [last, first_of_key] = last_of_key.try_emplace(record.key, number);
    if (!first_of_key) {
      EXPECT_LT(last->second, number) << record.key;
    }
    last->second = number;
    const auto [expected, first] = next.try_emplace(record.partition, record.offset);
    EXPECT_EQ(record.offset, expected->second);
    expected->second = record.offset.next();
  }
  EXPECT_EQ(last_of_key.size(), 7U);
}

TEST_P(EventLogContract, WatermarksBoundTheMessages) {
  publish_numbers(5);
  std::vector<PartitionState> states;
  auto reader = joined(&states);
  std::int64_t held = 0;
  for (const auto& state : states) {
    held += state.high.value - state.low.value;
    EXPECT_EQ(state.partition.topic, "topic");
    EXPECT_FALSE(state.identity.topic_id.empty());
    EXPECT_FALSE(state.identity.cluster_id.empty());
  }
  EXPECT_EQ(held, 5);
  publish_numbers(2);
  held = 0;
  for (const auto& state : must(reader->watermarks())) held += state.high.value - state.low.value;
  EXPECT_EQ(held, 7);
}

TEST_P(EventLogContract, NothingIsReadBeforeStart) {
  publish_numbers(3);
  auto reader = joined();
  EXPECT_TRUE(std::holds_alternative<Idle>(must(reader->poll({.wait_max = 1ms}))));
}

TEST_P(EventLogContract, StartsAgainAtAnOffset) {
  publish_numbers(10);
  std::vector<PartitionState> states;
  auto reader = joined(&states);
  start_at_low(*reader, states);
  const auto all = read(*reader, 10, {.records_max = 3});
  must(reader->start({{all[6].partition, all[6].offset}}));
  const auto again = read(*reader, 4);
  ASSERT_EQ(again.size(), 4U);
  EXPECT_EQ(again[0].value, all[6].value);
  EXPECT_EQ(again[3].value, all[9].value);
}

TEST_P(EventLogContract, AnOffsetOutsideTheWatermarksIsAConflict) {
  publish_numbers(3);
  std::vector<PartitionState> states;
  auto reader = joined(&states);
  for (const auto& state : states) {
    const Offset beyond = state.high.next();
    EXPECT_EQ(error_of(reader->start({{state.partition, beyond}})), "conflict/offset-out-of-range");
    EXPECT_EQ(error_of(reader->start({{state.partition, Offset(state.low.value - 1)}})),
              "conflict/offset-out-of-range");
    EXPECT_EQ(error_of(reader->start({{state.partition, state.high}})), "");
  }
}

TEST_P(EventLogContract, TrimDropsOldMessagesBeforeAnOffset) {
  if (!log_->capabilities().trims) {
    EXPECT_EQ(error_of(log_->trim({"topic", Partition(0)}, Offset(1), clock_.now())), "");
    return;
  }
  publish_numbers(4);
  clock_.advance_ms(1000);
  const Timestamp later = clock_.now();
  publish_numbers(4);
  const auto all = read_all(8);
  const PartitionRef partition = all[0].partition;
  must(log_->trim(partition, all[2].offset, later));
  EXPECT_EQ(read_all(6).front().offset, all[2].offset) << "offset bounds the trim";
  must(log_->trim(partition, all[7].offset, later));
  const auto kept = read_all(4);
  EXPECT_EQ(kept.front().offset, all[4].offset) << "age bounds the trim";
  must(log_->trim(partition, all[7].offset.next(), later.plus_ms(1)));
  std::vector<PartitionState> states;
  auto reader = joined(&states);
  for (const auto& state : states) {
    if (state.partition == partition) {
      EXPECT_EQ(state.low, all[7].offset.next());
    }
    EXPECT_EQ(state.low, state.high);
    if (state.partition == partition) {
      EXPECT_EQ(error_of(reader->start({{partition, all[0].offset}})), "conflict/offset-out-of-range");
    }
  }
  start_at_low(*reader, states);
  publish_numbers(1);
  EXPECT_EQ(read(*reader, 1)[0].offset, all[7].offset.next()) << "offsets are never reused";
}

TEST_P(EventLogContract, AReaderWhoseOffsetIsTrimmedAwayIsTold) {
  if (!log_->capabilities().trims) return;
  publish_numbers(4);
  std::vector<PartitionState> states;
  auto reader = joined(&states);
  start_at_low(*reader, states);
  for (const auto& state : states) {
    must(log_->trim(state.partition, Offset(INT64_MAX), clock_.now().plus_ms(1)));
  }
  EXPECT_EQ(error_of(reader->poll({})), "conflict/offset-out-of-range");
}

TEST_P(EventLogContract, InterruptWakesWaitingCallsAndRefusesLaterOnes) {
  std::vector<PartitionState> states;
  auto reader = joined(&states);
  start_at_low(*reader, states);
  auto publication = must(log_->publish(upload_));
  auto waiting = std::async(std::launch::async, [&] { return error_of(reader->poll({.wait_max = 60s})); });
  log_->interrupt();
  ASSERT_EQ(waiting.wait_for(10s), std::future_status::ready);
  EXPECT_EQ(waiting.get(), "shutting_down/interrupted");
  EXPECT_EQ(error_of(publication->append({"k", "v", ChangeType::insert, upload_})),
            "shutting_down/interrupted");
  EXPECT_EQ(error_of(log_->publish(upload_)), "shutting_down/interrupted");
  EXPECT_EQ(error_of(log_->join("other")), "shutting_down/interrupted");
}

TEST_P(EventLogContract, AWaitingReaderIsWokenByAMessage) {
  std::vector<PartitionState> states;
  auto reader = joined(&states);
  start_at_low(*reader, states);
  auto waiting = std::async(std::launch::async, [&] { return must(reader->poll({.wait_max = 60s})); });
  publish_numbers(1);
  ASSERT_EQ(waiting.wait_for(10s), std::future_status::ready);
  EXPECT_TRUE(std::holds_alternative<Records>(waiting.get()));
}

TEST_P(EventLogContract, ReopenKeepsMessagesAndIdentityIfTheLogSurvives) {
  publish_numbers(3);
  std::vector<PartitionState> before;
  joined(&before);
  reopen();
  std::vector<PartitionState> after;
  joined(&after);
  if (log_->capabilities().survives_reopen) {
    ASSERT_EQ(before.size(), after.size());
    EXPECT_EQ(before[0].identity, after[0].identity);
    EXPECT_EQ(read_all(3).back().value, "2");
  } else {
    EXPECT_NE(before[0].identity, after[0].identity) << "an empty log must not look like the previous one";
  }
}

TEST_P(EventLogContract, AGroupSharesItsPartitionsOrRefusesASecondReader) {
  std::vector<PartitionState> all;
  auto first = joined(&all);
  if (!log_->capabilities().shares_partitions) {
    EXPECT_EQ(error_of(log_->join("group")), "conflict/reader-exists");
    first.reset();
    EXPECT_EQ(error_of(log_->join("group")), "");
    return;
  }
  start_at_low(*first, all);
  auto second = must(log_->join("group"));
  EXPECT_TRUE(std::holds_alternative<Idle>(must(second->poll({.wait_max = 1ms}))))
      << "the first reader has not released its partitions yet";
  auto revoked = poll_until<Revoked>(*first);
  EXPECT_EQ(revoked.partitions.size(), all.size());
  must(first->release(revoked.partitions));
  const auto of_first = must_be_assigned(*first);
  const auto of_second = must_be_assigned(*second);
  std::set<PartitionRef> seen;
  for (const auto& states : {of_first, of_second}) {
    EXPECT_FALSE(states.empty());
    for (const auto& state : states) EXPECT_TRUE(seen.insert(state.partition).second) << "assigned twice";
  }
  EXPECT_EQ(seen.size(), all.size());
  EXPECT_EQ(error_of(first->start({{of_second[0].partition, of_second[0].low}})), "conflict/not-assigned");
  second.reset();
  revoked = poll_until<Revoked>(*first);
  must(first->release(revoked.partitions));
  EXPECT_EQ(must_be_assigned(*first).size(), all.size());
}

TEST_P(EventLogContract, ConcurrentPublicationsLoseNothing) {
  std::vector<std::thread> publishers;
  for (int p = 0; p < 4; ++p) {
    publishers.emplace_back([this, p] { publish_numbers(500, fmt::format("c/t/{}", p)); });
  }
  for (auto& publisher : publishers) publisher.join();
  std::map<std::string, int> next;
  for (const auto& record : read_all(2000))
    EXPECT_EQ(std::stoi(record.value.value()), next[record.key]++) << record.key;
  EXPECT_EQ(next.size(), 4U);
}

TEST_P(EventLogContract, TakesLargeAndEmptyAndOddMessages) {
  const std::vector<std::pair<std::string, std::string>> messages = {
      {"c/t/", ""},
      {"c/t/\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80 \"'\\\n\t", "{}"},
      {"c/t/big", std::string(kMessageBytesMax - 1000, 'x')},
      {"c/t/\x01", std::string("\x00z", 2)},
  };
  publish(messages);
  std::map<std::string, std::string> got;
  for (const auto& record : read_all(messages.size())) got[record.key] = record.value.value();
  for (const auto& [key, value] : messages) EXPECT_EQ(got[key], value) << key;
}

TEST_P(EventLogContract, AMessageTooLargeIsRefusedAndNothingElseIs) {
  auto publication = must(log_->publish(upload_));
  const std::string big(kMessageBytesMax, 'x');
  EXPECT_EQ(error_of(publication->append({"k", big, ChangeType::insert, upload_})),
            "invalid_input/message-too-large");
  must(publication->append({"k", "small", ChangeType::insert, upload_}));
  must(publication->await_delivery(soon()));
  EXPECT_EQ(read_all(1)[0].value, "small");
}

TEST_P(EventLogContract, ManyMessagesArriveInBoundedBatches) {
  publish_numbers(12'000);
  std::vector<PartitionState> states;
  auto reader = joined(&states);
  start_at_low(*reader, states);
  const auto all = read(*reader, 12'000, {.records_max = 1700, .bytes_max = 1 << 20});
  EXPECT_EQ(all.back().value, "11999");
}

TEST_P(EventLogContract, IsHealthy) { EXPECT_EQ(error_of(log_->health(1s)), ""); }

INSTANTIATE_TEST_SUITE_P(Adapters, EventLogContract,
                         ::testing::ValuesIn(adapters().begin(), adapters().end()),
                         [](const auto& adapter) { return adapter.param.name; });

}  // namespace
}  // namespace deltadrop::eventlog
