#include <future>
#include <latch>
#include <map>

#include "consume/dead_letters.hpp"
#include "consume_fixture.hpp"

namespace deltadrop::consume {
namespace {

class ConsumerTest : public ::testing::Test {
 protected:
  Pipeline pipeline_;
  TableStory story_{"acme"};
};

TEST_F(ConsumerTest, WritesUploadsFromTheLogToHistoryAndLake) {
  auto consumer = pipeline_.consumer();
  consumer->start();
  const Rows first = rows_of(20, "1");
  const Rows second = rows_of(15, "2");
  pipeline_.publish(story_.next(first));
  const auto last = story_.next(second);
  pipeline_.publish(last);
  ASSERT_TRUE(pipeline_.wait_in_lake(*consumer, last));
  EXPECT_EQ(pipeline_.data_at(story_.table(), Version(1)), Pipeline::data_of(first));
  EXPECT_EQ(pipeline_.data_at(story_.table(), Version(2)), Pipeline::data_of(second));
  const auto health = consumer->health();
  EXPECT_FALSE(health.log || health.history || health.lake || health.stopped);
  EXPECT_EQ(health.summary.uploads_not_in_lake, 0);
  EXPECT_TRUE(Pipeline::wait(*consumer, [&] { return consumer->health().lag == 0; }));
}

TEST_F(ConsumerTest, TwoConsumersShareTheWork) {
  auto one = pipeline_.consumer();
  one->start();
  const auto first = story_.next(rows_of(30, "1"));
  pipeline_.publish(first);
  ASSERT_TRUE(pipeline_.wait_in_lake(*one, first));
  auto two = pipeline_.consumer();
  two->start();
  TableStory other("zeta", 2);
  for (int version = 2; version < 8; ++version) {
    pipeline_.publish(story_.next(rows_of(30, std::to_string(version))));
    pipeline_.publish(other.next(rows_of(10, std::to_string(version))));
  }
  const auto last = story_.next(rows_of(30, "last"));
  pipeline_.publish(last);
  ASSERT_TRUE(pipeline_.wait_in_lake(*one, last));
  one.reset();
  const auto after = other.next(rows_of(10, "after"));
  pipeline_.publish(after);
  ASSERT_TRUE(pipeline_.wait_in_lake(*two, after)) << "the remaining consumer takes over";
  EXPECT_EQ(pipeline_.data_at(story_.table(), story_.version()), Pipeline::data_of(story_.rows()));
  EXPECT_EQ(pipeline_.data_at(other.table(), other.version()), Pipeline::data_of(other.rows()));
  EXPECT_EQ(must(pipeline_.store->summary()).dead_letters, 0);
}

class CountingObserver final : public Observer {
 public:
  void saw_upload(const UploadSeen&) override {}
  void saw_step(Step, std::chrono::nanoseconds) override {}
  void saw_published(std::chrono::milliseconds) override {}
  void saw_recorded(std::int64_t events) override { recorded += events; }
  void saw_applied(std::chrono::milliseconds) override {}

  std::atomic<std::int64_t> recorded = 0;
};

TEST_F(ConsumerTest, CountsOnlyTheEventsThatItRecorded) {
  CountingObserver observer;
  auto options = Pipeline::options();
  options.observer = &observer;
  const auto events = story_.next(rows_of(10, "1"));
  pipeline_.publish(events);
  pipeline_.publish_text("no event");
  pipeline_.publish(events);
  auto consumer = pipeline_.consumer(options);
  consumer->start();
  ASSERT_TRUE(pipeline_.wait_in_lake(*consumer, events));
  ASSERT_TRUE(Pipeline::wait(*consumer, [&] { return consumer->health().lag == 0; }));
  EXPECT_EQ(observer.recorded, 10);
}

TEST_F(ConsumerTest, AnInvalidMessageBecomesADeadLetter) {
  auto consumer = pipeline_.consumer();
  consumer->start();
  for (const std::string text : {"", "{", "not an event", "{\"event_id\":1}"}) pipeline_.publish_text(text);
  const auto events = story_.next(rows_of(5, "1"));
  pipeline_.publish(events);
  ASSERT_TRUE(pipeline_.wait_in_lake(*consumer, events));
  ASSERT_TRUE(Pipeline::wait(*consumer, [&] { return consumer->health().summary.dead_letters == 4; }));
  EXPECT_FALSE(consumer->health().stopped);
}

TEST_F(ConsumerTest, StopsWhileItWaits) {
  auto consumer = pipeline_.consumer();
  consumer->start();
  const auto begin = std::chrono::steady_clock::now();
  consumer->stop();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 2s);
  consumer->stop();
}

TEST_F(ConsumerTest, StopsWhileTheHistoryIsDown) {
  pipeline_.history.refuse = [](const auto&) {
    return Error{ErrorCode::unavailable, "down", "the history is down", ""};
  };
  Options options = Pipeline::options();
  options.retry_wait_min = options.retry_wait_max = 60s;
  auto consumer = pipeline_.consumer(options);
  consumer->start();
  pipeline_.publish(story_.next(rows_of(5, "1")));
  ASSERT_TRUE(Pipeline::wait(*consumer, [&] { return consumer->health().history.has_value(); }));
  EXPECT_EQ(consumer->health().history->type, "down");
  const auto begin = std::chrono::steady_clock::now();
  consumer->stop();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 2s);
}

TEST_F(ConsumerTest, AnInterruptedLogEndsReading) {
  auto consumer = pipeline_.consumer();
  consumer->start();
  pipeline_.log->interrupt();
  consumer->stop();
  EXPECT_FALSE(consumer->health().stopped) << "stopping is not a failure";
}

TEST_F(ConsumerTest, AZombieDropsItsBatchAndContinues) {
  const auto events = story_.next(rows_of(12, "1"));
  std::atomic<int> rounds = 0;
  // While the first batch is on its way, another consumer records the same messages.
  pipeline_.history.refuse = [&](const history::RecordBatch& batch) -> std::optional<Error> {
    if (rounds++ == 0) must(pipeline_.store->record(batch));
    return std::nullopt;
  };
  pipeline_.publish(events);
  auto consumer = pipeline_.consumer();
  consumer->start();
  ASSERT_TRUE(pipeline_.wait_in_lake(*consumer, events));
  EXPECT_GT(rounds, 1);
  EXPECT_EQ(must(pipeline_.store->upload(events[0].upload.upload_id))->recorded, 12);
  EXPECT_FALSE(consumer->health().stopped);
}

TEST_F(ConsumerTest, ABatchThatCannotBeStoredDoesNotHoldUpTheGroup) {
  std::atomic<bool> down = true;
  std::atomic<int> attempts = 0;
  pipeline_.history.refuse = [&](const auto&) -> std::optional<Error> {
    if (!down) return std::nullopt;
    ++attempts;
    return Error{ErrorCode::unavailable, "down", "the history is down", ""};
  };
  auto one = pipeline_.consumer();
  one->start();
  const auto events = story_.next(rows_of(3, "1"));
  pipeline_.publish(events);
  ASSERT_TRUE(Pipeline::wait(*one, [&] { return attempts > 1; }));
  auto two = pipeline_.consumer();
  two->start();
  ASSERT_TRUE(Pipeline::wait(*two, [&] { return two->health().lag.has_value(); }))
      << "the first consumer releases its partitions";
  down = false;
  ASSERT_TRUE(pipeline_.wait_in_lake(*two, events));
  EXPECT_EQ(must(pipeline_.store->upload(events[0].upload.upload_id))->recorded, 3);
  EXPECT_FALSE(one->health().stopped);
}

TEST_F(ConsumerTest, MessagesAfterAFailedBatchAreReadAgain) {
  // The first attempt fails permanently while later messages are being read.
  std::atomic<int> attempts = 0;
  pipeline_.history.refuse = [&](const auto&) -> std::optional<Error> {
    if (attempts++ > 0) return std::nullopt;
    pipeline_.publish(story_.next(rows_of(9, "2")));
    return Error{ErrorCode::conflict, "offset-moved", "another consumer recorded", ""};
  };
  const auto events = story_.next(rows_of(9, "1"));
  pipeline_.publish(events);
  auto consumer = pipeline_.consumer();
  consumer->start();
  ASSERT_TRUE(Pipeline::wait(*consumer, [&] {
    return attempts > 1 && consumer->health().lag == 0 &&
           must(pipeline_.store->summary()).uploads_recorded == 0;
  }));
  EXPECT_EQ(pipeline_.data_at(story_.table(), Version(1)), Pipeline::data_of(rows_of(9, "1")));
  EXPECT_EQ(pipeline_.data_at(story_.table(), Version(2)), Pipeline::data_of(rows_of(9, "2")));
}

TEST_F(ConsumerTest, StoppingAwaitsTheBatchThatIsBeingStored) {
  std::promise<void> begun;
  std::atomic<int> batches = 0;
  pipeline_.history.refuse = [&](const auto&) -> std::optional<Error> {
    if (batches++ == 0) begun.set_value();
    return std::nullopt;
  };
  const auto events = story_.next(rows_of(3, "1"));
  pipeline_.publish(events);
  auto consumer = pipeline_.consumer();
  consumer->start();
  begun.get_future().wait();
  consumer->stop();
  std::int64_t stored = 0;
  for (const auto& offset : must(pipeline_.store->offsets("topic"))) stored += offset.next.value;
  const auto upload = must(pipeline_.store->upload(events[0].upload.upload_id));
  EXPECT_EQ(upload ? upload->recorded : 0, stored);
  EXPECT_GT(stored, 0);
}

TEST_F(ConsumerTest, ARefusedEventBlocksItsTableOnlyUntilItIsSentAgain) {
  std::atomic<bool> refusing = true;
  pipeline_.history.refuse = [&](const history::RecordBatch& batch) -> std::optional<Error> {
    for (const auto& logged : batch.events) {
      if (refusing && logged.event.key_value == "k7")
        return Error{ErrorCode::invalid_input, "bad", "k7 is bad", ""};
    }
    return std::nullopt;
  };
  TableStory other("zeta", 2);
  const auto events = story_.next(rows_of(10, "1"));
  const auto others = other.next(rows_of(5, "1"));
  pipeline_.publish(events);
  pipeline_.publish(others);
  auto consumer = pipeline_.consumer();
  consumer->start();
  ASSERT_TRUE(pipeline_.wait_in_lake(*consumer, others)) << "another table must not wait";
  ASSERT_TRUE(Pipeline::wait(*consumer, [&] { return consumer->health().summary.blocked.size() == 1; }));
  EXPECT_NE(consumer->health().summary.blocked[0].error.find("k7 is bad"), std::string::npos)
      << consumer->health().summary.blocked[0].error;
  ASSERT_TRUE(Pipeline::wait(*consumer, [&] {
    return must(pipeline_.store->upload(events[0].upload.upload_id))->recorded == 9;
  })) << "all but the rejected one";
  const auto letters = must(pipeline_.store->dead_letters(10));
  ASSERT_EQ(letters.size(), 1U);
  EXPECT_EQ(must(parse_event_json(letters[0].letter.payload)).key_value, "k7");
  refusing = false;
  pipeline_.publish(events);
  ASSERT_TRUE(pipeline_.wait_in_lake(*consumer, events));
  EXPECT_EQ(must(pipeline_.store->summary()).dead_letters, 0);
}

TEST_F(ConsumerTest, ADeadLetterCanBeRetriedAfterTheRepair) {
  bool refusing = true;
  pipeline_.history.refuse = [&](const history::RecordBatch& batch) -> std::optional<Error> {
    for (const auto& logged : batch.events) {
      if (refusing && logged.event.key_value == "k7")
        return Error{ErrorCode::invalid_input, "bad", "k7 is bad", ""};
    }
    return std::nullopt;
  };
  const auto events = story_.next(rows_of(10, "1"));
  pipeline_.publish(events);
  pipeline_.publish_text("no event");
  auto consumer = pipeline_.consumer();
  consumer->start();
  ASSERT_TRUE(Pipeline::wait(*consumer, [&] { return consumer->health().summary.dead_letters == 2; }));
  std::map<bool, history::DeadLetterEntry> letters;  // by whether the letter is an event
  for (const auto& entry : must(pipeline_.store->dead_letters(10))) {
    letters[entry.letter.upload.has_value()] = entry;
  }
  auto& history = pipeline_.history;
  const auto now = pipeline_.clock.now();
  EXPECT_EQ(testing::error_of(retry_dead_letter(history, letters[false].id(), now)),
            "invalid_input/still-no-event");
  const history::DeadLetterId nobodys{"t", eventlog::Partition(0), eventlog::Offset(0)};
  EXPECT_EQ(testing::error_of(retry_dead_letter(history, nobodys, now)), "not_found/no-such-dead-letter");
  const auto refused = retry_dead_letter(history, letters[true].id(), now);
  EXPECT_EQ(testing::error_of(refused), "invalid_input/still-refused");
  EXPECT_NE(refused.error().message.find("k7 is bad"), std::string::npos) << refused.error().message;
  refusing = false;
  const auto retried = must(retry_dead_letter(history, letters[true].id(), now));
  EXPECT_EQ(retried.letter.resolved_at, now);
  ASSERT_TRUE(pipeline_.wait_in_lake(*consumer, events));
  EXPECT_TRUE(must(retry_dead_letter(history, letters[true].id(), now)).was_resolved);
}

TEST_F(ConsumerTest, AGapStopsTheConsumerUntilItIsAccepted) {
  const auto first = story_.next(rows_of(3, "1"));
  pipeline_.publish(first);
  auto consumer = pipeline_.consumer();
  consumer->start();
  ASSERT_TRUE(pipeline_.wait_in_lake(*consumer, first));
  consumer.reset();
  const auto lost = story_.next(rows_of(30, "2"));
  pipeline_.publish(lost);
  for (std::int32_t partition = 0; partition < 3; ++partition) {
    must(pipeline_.log->trim({"topic", eventlog::Partition(partition)}, eventlog::Offset(1000),
                             pipeline_.clock.now().plus_ms(1)));
  }
  consumer = pipeline_.consumer();
  consumer->start();
  ASSERT_TRUE(Pipeline::wait(*consumer, [&] { return consumer->health().stopped.has_value(); }));
  const auto stopped = *consumer->health().stopped;
  EXPECT_EQ(stopped.type, "offset-gap");
  EXPECT_NE(stopped.fix.find("deltadrop republish"), std::string::npos) << stopped.fix;
  EXPECT_NE(stopped.fix.find("deltadrop consume --accept-gap"), std::string::npos) << stopped.fix;
  Options options = Pipeline::options();
  options.accept_gap = true;
  consumer = pipeline_.consumer(options);
  consumer->start();
  pipeline_.publish(lost);
  ASSERT_TRUE(pipeline_.wait_in_lake(*consumer, lost));
}

TEST_F(ConsumerTest, ADifferentLogIsReadFromItsBeginning) {
  const auto first = story_.next(rows_of(9, "1"));
  pipeline_.publish(first);
  auto consumer = pipeline_.consumer();
  consumer->start();
  ASSERT_TRUE(pipeline_.wait_in_lake(*consumer, first));
  consumer.reset();
  pipeline_.open_log();
  const auto second = story_.next(rows_of(9, "2"));
  // The new events have the offsets that were recorded from the old log; then the log grows beyond them.
  pipeline_.publish(second);
  pipeline_.publish(first);
  consumer = pipeline_.consumer();
  consumer->start();
  ASSERT_TRUE(pipeline_.wait_in_lake(*consumer, second));
  EXPECT_EQ(must(pipeline_.store->upload(first[0].upload.upload_id))->recorded, 9) << "replay is harmless";
}

TEST_F(ConsumerTest, AFailingLakeIsRetriedAndDelaysNothingElse) {
  std::atomic<bool> failing = true;
  LakeStep lake = [&](const history::UploadStatus& upload) -> Result<bool> {
    if (failing) return Error{ErrorCode::unavailable, "disk-full", "no room", ""};
    DD_TRY(pipeline_.store->mark_in_lake(upload.facts.upload_id, {}, pipeline_.clock.now()));
    return true;
  };
  Consumer consumer(Pipeline::options(), lake, *pipeline_.log, pipeline_.history, pipeline_.history,
                    pipeline_.clock);
  consumer.start();
  pipeline_.publish(story_.next(rows_of(3, "1")));
  const auto second = story_.next(rows_of(3, "2"));
  pipeline_.publish(second);
  ASSERT_TRUE(Pipeline::wait(consumer, [&] {
    const auto upload = must(pipeline_.store->upload(second[0].upload.upload_id));
    return upload && upload->state == history::UploadState::applied && consumer.health().lake.has_value();
  }));
  failing = false;
  ASSERT_TRUE(pipeline_.wait_in_lake(consumer, second));
  EXPECT_TRUE(Pipeline::wait(consumer, [&] { return !consumer.health().lake.has_value(); }));
}

/// A lake in which a directory blocks one table, whose retry comes an hour later.
class StuckTable : public ConsumerTest {
 protected:
  StuckTable() { pipeline_.publish(stuck_); }

  static Options options() {
    auto options = Pipeline::options();
    options.retry_wait_min = options.retry_wait_max = 1h;
    return options;
  }

  [[nodiscard]] bool has_failed() { return consumer_.health().lake.has_value(); }
  void finish(const std::vector<Event>& upload) {
    must(pipeline_.store->mark_in_lake(upload.front().upload.upload_id, {}, pipeline_.clock.now()));
  }

  TableStory other_{"other", 2};
  std::vector<Event> stuck_ = other_.next(rows_of(3, "1"));
  std::atomic<bool> in_the_way_ = true;
  std::atomic<int> tries_ = 0;
  LakeStep lake_ = [this](const history::UploadStatus& upload) -> Result<bool> {
    if (upload.facts.table == other_.table()) {
      ++tries_;
      if (in_the_way_) return Error{ErrorCode::conflict, "in-the-way", "a folder", ""};
    }
    DD_TRY(pipeline_.store->mark_in_lake(upload.facts.upload_id, {}, pipeline_.clock.now()));
    return true;
  };
  Consumer consumer_{options(), lake_, *pipeline_.log, pipeline_.history, pipeline_.history, pipeline_.clock};
};

TEST_F(StuckTable, DelaysNoLaterUploadOfAnotherTable) {
  consumer_.start();
  ASSERT_TRUE(Pipeline::wait(consumer_, [&] { return has_failed(); }));
  for (int i = 0; i < 20; ++i) {
    const auto upload = story_.next(rows_of(3, std::to_string(i)));
    pipeline_.publish(upload);
    ASSERT_TRUE(pipeline_.wait_in_lake(consumer_, upload)) << i;
  }
  EXPECT_FALSE(pipeline_.in_lake(stuck_.front().upload.upload_id));
  EXPECT_EQ(consumer_.health().lake->type, "in-the-way") << "reported until resolved, even between retries";
  EXPECT_EQ(tries_, 1) << "not retried at each pass for the other table";
}

TEST_F(StuckTable, DelaysNoWaitingUploadsOfAnotherTable) {
  std::vector<Event> last;
  for (int i = 0; i < 20; ++i) pipeline_.publish(last = story_.next(rows_of(3, std::to_string(i))));
  {
    Consumer without_lake(options(), {}, *pipeline_.log, pipeline_.history, pipeline_.history,
                          pipeline_.clock);
    without_lake.start();
    ASSERT_TRUE(
        Pipeline::wait(without_lake, [&] { return must(pipeline_.store->last_applied()).value == 21; }));
  }
  consumer_.start();
  ASSERT_TRUE(pipeline_.wait_in_lake(consumer_, last));
  EXPECT_EQ(tries_, 1);
  EXPECT_EQ(consumer_.health().lake->type, "in-the-way");
}

TEST_F(StuckTable, IsForgottenAfterAnotherProcessWroteIt) {
  consumer_.start();
  ASSERT_TRUE(Pipeline::wait(consumer_, [&] { return has_failed(); }));
  in_the_way_ = false;
  finish(stuck_);
  ASSERT_TRUE(Pipeline::wait(consumer_, [&] { return !has_failed(); }));
  const auto next = other_.next(rows_of(3, "2"));
  pipeline_.publish(next);
  EXPECT_TRUE(pipeline_.wait_in_lake(consumer_, next)) << "its next retry is no longer delayed";
}

TEST_F(ConsumerTest, ATableThatAnotherProcessWritesIsWrittenLaterWithoutAnError) {
  std::atomic<bool> busy = true;
  std::atomic<int> asked = 0;
  LakeStep lake = [&](const history::UploadStatus& upload) -> Result<bool> {
    ++asked;
    if (busy) return false;
    DD_TRY(pipeline_.store->mark_in_lake(upload.facts.upload_id, {}, pipeline_.clock.now()));
    return true;
  };
  Consumer consumer(Pipeline::options(), lake, *pipeline_.log, pipeline_.history, pipeline_.history,
                    pipeline_.clock);
  consumer.start();
  const auto first = story_.next(rows_of(3, "1"));
  pipeline_.publish(first);
  ASSERT_TRUE(Pipeline::wait(consumer, [&] { return asked > 0; }));
  EXPECT_FALSE(consumer.health().lake.has_value());
  busy = false;
  EXPECT_TRUE(pipeline_.wait_in_lake(consumer, first));
}

TEST_F(ConsumerTest, AppliedMessagesLeaveTheLogAfterTheRetention) {
  std::atomic<int> rounds = 0;
  pipeline_.history.before = [&](std::string_view call) -> std::optional<Error> {
    if (call == "tables_to_apply") ++rounds;
    return std::nullopt;
  };
  auto consumer = pipeline_.consumer();
  consumer->start();
  const auto first = story_.next(rows_of(30, "1"));
  pipeline_.publish(first);
  ASSERT_TRUE(pipeline_.wait_in_lake(*consumer, first));
  // The retention counts from the first round that finds the messages recorded.
  ASSERT_TRUE(Pipeline::wait(*consumer, [&] { return consumer->health().lag == 0; }));
  const int begun = rounds;
  ASSERT_TRUE(Pipeline::wait(*consumer, [&] { return rounds >= begun + 2; }));
  pipeline_.clock.advance_ms(Options{}.log_retention.count() + 1);
  const auto second = story_.next(rows_of(30, "2"));
  pipeline_.publish(second);
  ASSERT_TRUE(pipeline_.wait_in_lake(*consumer, second));
  auto reader = must(pipeline_.log->join("observer"));
  const auto polled = must(reader->poll({}));
  std::int64_t total = 0;
  for (const auto& state : std::get<eventlog::Assigned>(polled).partitions) total += state.high.value;
  EXPECT_EQ(total, 60);
  EXPECT_TRUE(Pipeline::wait(*consumer, [&] {
    std::int64_t low = 0;
    for (const auto& state : must(reader->watermarks())) low += state.low.value;
    return low == 30;
  })) << "messages older than the retention are trimmed, others are kept";
}

TEST_F(ConsumerTest, AClockJumpDropsNothingFromTheLog) {
  auto consumer = pipeline_.consumer();
  consumer->start();
  for (const auto* value : {"1", "2", "3"}) {
    const auto upload = story_.next(rows_of(30, value));
    pipeline_.publish(upload);
    ASSERT_TRUE(pipeline_.wait_in_lake(*consumer, upload));
    pipeline_.clock.jump_ms(40 * Options{}.log_retention.count());
  }
  consumer.reset();
  auto reader = must(pipeline_.log->join("observer"));
  must(reader->poll({}));
  for (const auto& state : must(reader->watermarks())) EXPECT_EQ(state.low, eventlog::Offset(0));
}

TEST_F(ConsumerTest, AWaitingUploadIsReported) {
  const auto first = story_.next(rows_of(3, "1"));
  const auto second = story_.next(rows_of(3, "2"));
  auto consumer = pipeline_.consumer();
  consumer->start();
  pipeline_.publish(second);
  ASSERT_TRUE(Pipeline::wait(*consumer, [&] { return consumer->health().waiting.size() == 1; }));
  EXPECT_NE(consumer->health().waiting[0].find(second[0].upload.upload_id.to_string()), std::string::npos)
      << consumer->health().waiting[0];
  pipeline_.publish(first);
  ASSERT_TRUE(pipeline_.wait_in_lake(*consumer, second));
  EXPECT_TRUE(Pipeline::wait(*consumer, [&] { return consumer->health().waiting.empty(); }));
}

}  // namespace
}  // namespace deltadrop::consume
