#include "history_contract.hpp"

namespace deltadrop::history {
namespace {

class RecordContract : public HistoryContract {};

const Rows kTwoRows = {{"a", {{"v", "1"}}}, {"b", {{"v", "2"}}}};

TEST_P(RecordContract, RecordsEachEventOnce) {
  const auto events = story_.next(kTwoRows);
  EXPECT_EQ(feed_.record_all(events).inserted, 2);
  const auto again = feed_.record_all(events);
  EXPECT_EQ(again.inserted, 0);
  EXPECT_EQ(again.already_there, 2);
  const auto status = upload(events[0].upload.upload_id);
  EXPECT_EQ(status.recorded, 2) << "what was already there must not be counted again";
  EXPECT_EQ(status.state, UploadState::recorded);
  EXPECT_EQ(status.facts, events[0].upload);
}

TEST_P(RecordContract, KeepsOffsetsAndIdentity) {
  EXPECT_TRUE(must(store_->offsets("topic")).empty());
  feed_.record_all(story_.next(kTwoRows), 3);
  reopen();
  const auto offsets = must(store_->offsets("topic"));
  ASSERT_EQ(offsets.size(), 1U);
  EXPECT_EQ(offsets[0].partition, feed_.partition(3));
  EXPECT_EQ(offsets[0].next, Offset(2));
  EXPECT_EQ(offsets[0].identity, feed_.identity);
  EXPECT_TRUE(must(store_->offsets("other")).empty());
}

TEST_P(RecordContract, AZombiesBatchChangesNothing) {
  const auto first = story_.next(kTwoRows);
  const auto zombie = feed_.batch({{0, first[0]}, {1, first[1]}});
  must(feed_.record(feed_.batch({{0, first[0]}})));
  EXPECT_EQ(error_of(store_->record(zombie)), "conflict/offset-moved") << "of a partition never read before";
  auto late = feed_.batch({{0, first[1]}});
  late.advances[0].from = Offset(0);
  EXPECT_EQ(error_of(store_->record(late)), "conflict/offset-moved");
  EXPECT_EQ(must(store_->offsets("topic")).size(), 1U) << "the other partition of the zombie's batch moved";
  EXPECT_EQ(upload(first[0].upload.upload_id).recorded, 1);
}

TEST_P(RecordContract, AnotherTopicIdReplacesTheStoredOne) {
  feed_.record_all(story_.next(kTwoRows));
  feed_.identity.topic_id = "made again";
  auto batch = feed_.batch({});
  feed_.advance(batch, 0, Offset(0));
  must(feed_.record(batch));
  const auto offsets = must(store_->offsets("topic"));
  EXPECT_EQ(offsets[0].identity.topic_id, "made again");
  EXPECT_EQ(offsets[0].next, Offset(0));
}

TEST_P(RecordContract, CountsPartsOverPartitionsInAnyOrder) {
  const auto events = story_.next({{"a", {{"v", "1"}}}, {"b", {{"v", "2"}}}, {"c", {{"v", "3"}}}});
  const auto& table = story_.table();
  must(feed_.record(feed_.batch({{2, events[2]}})));
  EXPECT_NE(waiting_for(table).find("1 of its 3 events"), std::string::npos) << waiting_for(table);
  must(feed_.record(feed_.batch({{0, events[1]}, {2, events[2]}})));
  EXPECT_EQ(upload(events[0].upload.upload_id).recorded, 2);
  must(feed_.record(feed_.batch({{1, events[0]}})));
  EXPECT_TRUE(applies(table));
}

TEST_P(RecordContract, AForkIsRecordedAsConflict) {
  const auto first = story_.next(kTwoRows);
  record_and_apply(first);
  TableStory left = story_;
  const auto mine = left.next({{"a", {{"v", "9"}}}, {"b", {{"v", "2"}}}});
  auto theirs = mine;
  for (auto& event : theirs) {
    event.upload.upload_id = testing::upload_id_of(77, 1);
    event.event_id = EventId::of(event.upload.upload_id, event.seq);
  }
  feed_.record_all(mine);
  feed_.record_all(theirs);
  EXPECT_EQ(upload(mine[0].upload.upload_id).state, UploadState::recorded);
  const auto fork = upload(theirs[0].upload.upload_id);
  EXPECT_EQ(fork.state, UploadState::conflict);
  EXPECT_EQ(fork.recorded, 1) << "the events of a fork are recorded too";
  EXPECT_NE(fork.error.find("forked"), std::string::npos) << fork.error;
  EXPECT_TRUE(applies(story_.table()));
  const auto summary = must(store_->summary());
  ASSERT_EQ(summary.blocked.size(), 1U);
  EXPECT_EQ(summary.blocked[0].facts.upload_id, theirs[0].upload.upload_id);
}

TEST_P(RecordContract, ASecondFirstVersionIsAFork) {
  feed_.record_all(story_.next(kTwoRows));
  TableStory other("acme", 9);
  const auto theirs = other.next({{"z", {{"v", "1"}}}});
  feed_.record_all(theirs);
  EXPECT_EQ(upload(theirs[0].upload.upload_id).state, UploadState::conflict);
}

TEST_P(RecordContract, AnotherEventUnderTheSameIdIsNotDroppedSilently) {
  const auto events = story_.next(kTwoRows);
  feed_.record_all(events);
  auto other = events[1];
  other.new_values_json = R"({"v":"other"})";
  feed_.record_all({other});
  const auto status = upload(events[0].upload.upload_id);
  EXPECT_EQ(status.state, UploadState::conflict);
  EXPECT_NE(status.error.find("\"b\""), std::string::npos) << status.error;
  const auto letters = must(store_->dead_letters(10));
  ASSERT_EQ(letters.size(), 1U);
  EXPECT_NE(letters[0].letter.payload.find("other"), std::string::npos);
  EXPECT_EQ(must(parse_event_json(letters[0].letter.payload)), other);
}

TEST_P(RecordContract, AnEventOfAnotherLineIsAnotherEvent) {
  const auto events = story_.next(kTwoRows);
  feed_.record_all(events);
  auto other = events[1];
  other.line = other.line.next();
  feed_.record_all({other});
  EXPECT_EQ(upload(events[0].upload.upload_id).state, UploadState::conflict);
  ASSERT_EQ(must(store_->dead_letters(10)).size(), 1U);
  EXPECT_EQ(must(parse_event_json(must(store_->dead_letters(10))[0].letter.payload)).line, other.line);
}

TEST_P(RecordContract, ReportsWhatItRecordedAndNothingElse) {
  const auto expect = [this](const std::vector<Event>& events, std::int64_t inserted,
                             std::int64_t already_there) {
    const auto report = feed_.record_all(events);
    EXPECT_EQ(report.inserted, inserted);
    EXPECT_EQ(report.already_there, already_there);
  };
  const auto events = story_.next({{"a", {{"v", "1"}}}, {"b", {{"v", "2"}}}, {"c", {{"v", "3"}}}});
  expect({events[0]}, 1, 0);
  expect({events[0], events[1]}, 1, 1);
  expect({events[2], events[2]}, 1, 1);
  auto other_event = events[2];
  other_event.new_values_json = R"({"v":"other"})";
  expect({other_event}, 0, 1);
  auto other_upload = events[2];
  other_upload.upload.total = 7;
  expect({other_upload}, 0, 0);
  TableStory fork("acme", 9);
  expect(fork.next(kTwoRows), 2, 0);
  const auto empty = must(feed_.record(feed_.dead_letter("payload", std::nullopt)));
  EXPECT_EQ(empty.inserted + empty.already_there, 0);
  EXPECT_EQ(upload(events[0].upload.upload_id).recorded, 3);
}

/// The list starts with unresolved dead letters, then the newest, then by partition and offset.
TEST_P(RecordContract, DeadLettersAreListedInOneOrder) {
  const auto events = story_.next(kTwoRows);
  const auto letter = [this](const std::string& payload, std::int32_t partition, std::int64_t seconds,
                             const std::optional<UploadFacts>& facts = std::nullopt) {
    feed_.recorded_at = Timestamp{1'800'000'000'000 + seconds * 1'000};
    must(feed_.record(feed_.dead_letter(payload, facts, partition)));
  };
  letter("resolved", 0, 100, events[0].upload);
  letter("newest, partition 2", 2, 90);
  letter("oldest", 0, 10);
  letter("newest, partition 1", 1, 90);
  letter("newest, partition 1, later", 1, 90);
  letter("middle", 2, 50);
  feed_.recorded_at = Timestamp{1'800'000'200'000};
  feed_.record_all(events, 0);
  std::vector<std::string> payloads;
  for (const auto& entry : must(store_->dead_letters(10))) payloads.push_back(entry.letter.payload);
  const std::vector<std::string> wanted = {"newest, partition 1",
                                           "newest, partition 1, later",
                                           "newest, partition 2",
                                           "middle",
                                           "oldest",
                                           "resolved"};
  EXPECT_EQ(payloads, wanted);
  EXPECT_EQ(must(store_->dead_letters(2)).size(), 2U);
}

TEST_P(RecordContract, AnEventThatContradictsItsAppliedUploadIsADeadLetter) {
  const auto events = story_.next(kTwoRows);
  record_and_apply(events);
  auto other = events[1];
  other.upload.total = 5;
  feed_.record_all({other});
  EXPECT_EQ(upload(events[0].upload.upload_id).state, UploadState::applied) << "what is applied stands";
  EXPECT_EQ(must(store_->summary()).dead_letters, 1);
}

TEST_P(RecordContract, WhatIsNoEventBlocksNobody) {
  must(feed_.record(feed_.dead_letter(std::string("\x00\xFF garbage", 10), std::nullopt)));
  const auto letters = must(store_->dead_letters(10));
  ASSERT_EQ(letters.size(), 1U);
  EXPECT_EQ(letters[0].letter.payload, std::string("\x00\xFF garbage", 10));
  EXPECT_EQ(letters[0].letter.reason, "a reason");
  EXPECT_EQ(letters[0].letter.offset, Offset(0));
  EXPECT_EQ(letters[0].letter.identity.topic_id, feed_.identity.topic_id);
  EXPECT_EQ(letters[0].recorded_at, feed_.recorded_at);
  record_and_apply(story_.next(kTwoRows));
  EXPECT_TRUE(must(store_->summary()).blocked.empty());
}

TEST_P(RecordContract, ABlockedUploadIsRepairedByARepublish) {
  const auto events = story_.next(kTwoRows);
  feed_.record_all({events[0]});
  must(feed_.record(feed_.dead_letter("payload", events[1].upload)));
  EXPECT_EQ(upload(events[0].upload.upload_id).state, UploadState::blocked);
  EXPECT_NE(waiting_for(story_.table()).find("deltadrop republish"), std::string::npos)
      << waiting_for(story_.table());
  TableStory other("other", 2);
  record_and_apply(other.next(kTwoRows));
  auto summary = must(store_->summary());
  EXPECT_EQ(summary.blocked.size(), 1U);
  EXPECT_EQ(summary.dead_letters, 1);
  feed_.record_all(events);
  EXPECT_EQ(upload(events[0].upload.upload_id).state, UploadState::recorded);
  EXPECT_TRUE(applies(story_.table()));
  summary = must(store_->summary());
  EXPECT_TRUE(summary.blocked.empty());
  EXPECT_EQ(summary.dead_letters, 0);
  EXPECT_EQ(must(store_->dead_letters(10))[0].resolved_at, feed_.recorded_at);
}

TEST_P(RecordContract, AnUploadMayBeginWithADeadLetter) {
  const auto events = story_.next(kTwoRows);
  must(feed_.record(feed_.dead_letter("payload", events[0].upload)));
  EXPECT_EQ(upload(events[0].upload.upload_id).state, UploadState::blocked);
  feed_.record_all({events[1]});
  EXPECT_EQ(upload(events[0].upload.upload_id).state, UploadState::blocked) << "one event is still missing";
  feed_.record_all(events);
  EXPECT_TRUE(applies(story_.table()));
}

/// Returns the batch that retries a dead letter.
RecordBatch retry_of(const DeadLetterEntry& entry, const Event& event, Timestamp now) {
  RecordBatch batch;
  batch.events.push_back({entry.letter.partition, entry.letter.offset, event});
  batch.recorded_at = now;
  batch.retried = entry.id();
  return batch;
}

TEST_P(RecordContract, ADeadLetterIsFoundByItsId) {
  must(feed_.record(feed_.dead_letter("payload", std::nullopt)));
  const auto entry = must(store_->dead_letters(10)).at(0);
  EXPECT_EQ(must(DeadLetterId::parse(entry.id().to_string())), entry.id());
  const auto found = must(store_->dead_letter(entry.id()));
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->letter.payload, "payload");
  auto other = entry.id();
  other.offset = other.offset.next();
  EXPECT_FALSE(must(store_->dead_letter(other)).has_value());
}

TEST_P(RecordContract, ABlockedUploadIsRepairedByRetryingItsDeadLetters) {
  const auto events = story_.next(kTwoRows);
  for (const auto& event : events) must(feed_.record(feed_.dead_letter("payload", event.upload)));
  const auto letters = must(store_->dead_letters(10));
  ASSERT_EQ(letters.size(), events.size());
  const auto offsets = must(store_->offsets("topic"));

  EXPECT_EQ(must(store_->record(retry_of(letters[0], events[0], now_))).inserted, 1);
  EXPECT_EQ(upload(events[0].upload.upload_id).state, UploadState::blocked) << "the other is still missing";
  EXPECT_EQ(must(store_->dead_letter(letters[0].id()))->resolved_at, now_);
  EXPECT_EQ(must(store_->dead_letter(letters[1].id()))->resolved_at, std::nullopt);

  must(store_->record(retry_of(letters[1], events[1], now_)));
  EXPECT_EQ(must(store_->summary()).dead_letters, 0);
  EXPECT_TRUE(applies(story_.table())) << waiting_for(story_.table());
  EXPECT_EQ(must(store_->offsets("topic"))[0].next, offsets[0].next) << "the log was not read";
  // A second retry changes nothing.
  EXPECT_EQ(must(store_->record(retry_of(letters[1], events[1], now_))).already_there, 1);
  EXPECT_EQ(upload(events[0].upload.upload_id).state, UploadState::applied);
}

TEST_P(RecordContract, ARetryThatContradictsWhatIsRecordedChangesNothing) {
  const auto events = story_.next(kTwoRows);
  feed_.record_all(events);
  auto other = events[1];
  other.new_values_json = R"({"v":"other"})";
  feed_.record_all({other});
  const auto letter = must(store_->dead_letters(10)).at(0);
  EXPECT_EQ(error_of(store_->record(retry_of(letter, other, now_))), "conflict/still-refused");
  EXPECT_EQ(must(store_->dead_letters(10)).size(), 1U);
  EXPECT_EQ(must(store_->dead_letter(letter.id()))->resolved_at, std::nullopt);
}

TEST_P(RecordContract, EventsRefuseToBeChanged) {
  record_and_apply(story_.next(kTwoRows));
  const std::string update = GetParam().execute(folder_.path(), "UPDATE cdc_events SET key_value = 'x'");
  EXPECT_NE(update.find("UPDATE is refused"), std::string::npos) << update;
  const std::string remove = GetParam().execute(folder_.path(), "DELETE FROM cdc_events");
  EXPECT_NE(remove.find("DELETE is refused"), std::string::npos) << remove;
  // A database without such a statement refuses it as well.
  for (const auto* replace :
       {"INSERT OR REPLACE INTO cdc_events SELECT * FROM cdc_events",
        "INSERT OR REPLACE INTO cdc_events (rowid, upload_id, seq, event_id, event_type, "
        "company_id, table_name, timestamp, effective_at, key_column, key_value, "
        "new_values, changed_columns, file_id, version, line, recorded_at) "
        "SELECT rowid, 'other', seq, event_id, event_type, company_id, table_name, "
        "timestamp, effective_at, key_column, 'x', new_values, changed_columns, file_id, "
        "version, line, recorded_at FROM cdc_events"}) {
    EXPECT_NE(GetParam().execute(folder_.path(), replace), "") << replace;
  }
  EXPECT_EQ(must(store_->events({})).size(), 2U);
}

INSTANTIATE_TEST_SUITE_P(Adapters, RecordContract, ::testing::ValuesIn(adapters().begin(), adapters().end()),
                         [](const auto& adapter) { return adapter.param.name; });

}  // namespace
}  // namespace deltadrop::history
