#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <future>
#include <set>
#include <span>

#include "ingest/archive.hpp"
#include "sqlite/database.hpp"
#include "support/ingest_bench.hpp"

namespace deltadrop::ingest {
namespace {

using deltadrop::testing::IngestBench;
using deltadrop::testing::RecordedMessage;
using deltadrop::testing::rows_csv;

class PublisherTest : public ::testing::Test {
 protected:
  void SetUp() override {
    bench_.options.publish_timeout = std::chrono::milliseconds(200);
    ASSERT_TRUE(bench_.open().has_value());
  }

  /// Returns the number of different events of one upload. Events with the same id must have the same bytes.
  static std::size_t different_events(const std::vector<RecordedMessage>& messages, const UploadId& upload) {
    std::map<std::int64_t, std::string> by_seq;
    for (const auto& message : messages) {
      if (message.upload != upload) continue;
      const auto event = parse_event_json(message.value).value();
      const auto [known, is_new] = by_seq.emplace(event.seq.value, message.value);
      EXPECT_EQ(known->second, message.value) << "sent again with other bytes";
    }
    return by_seq.size();
  }

  IngestBench bench_;
};

TEST_F(PublisherTest, ALogThatIsDownLosesNothingAndRefusesNothing) {
  bench_.log->set_down(true);
  std::vector<UploadId> ids;
  for (const int last : {3, 5, 8}) {
    const auto report = bench_.upload(rows_csv(1, last, "a"));
    EXPECT_EQ(report.status, UploadStatus::accepted);
    ids.push_back(report.upload.upload_id);
  }
  const auto health = bench_.engine->health();
  EXPECT_EQ(health.accepted_unpublished, 3);
  ASSERT_TRUE(health.log);
  EXPECT_EQ(health.log->type, "log-down");
  EXPECT_TRUE(bench_.log->messages().empty());
  bench_.log->set_down(false);
  EXPECT_TRUE(bench_.wait_published(ids.back()));
  EXPECT_FALSE(bench_.engine->health().log);
  EXPECT_EQ(bench_.engine->health().accepted_unpublished, 0);
  std::vector<UploadId> order;
  for (const auto& message : bench_.log->messages()) {
    if (order.empty() || order.back() != message.upload) order.push_back(message.upload);
  }
  EXPECT_EQ(order, ids) << "a table's uploads go out in version order";
}

TEST_F(PublisherTest, ADownLogIsNotWaitedForTwice) {
  bench_.options.publish_timeout = std::chrono::seconds(60);
  bench_.close();
  ASSERT_TRUE(bench_.open().has_value());
  bench_.log->set_down(true);
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(bench_.upload(rows_csv(1, 1, "a")).status, UploadStatus::accepted);
  EXPECT_EQ(bench_.upload(rows_csv(1, 2, "a")).status, UploadStatus::accepted);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
}

TEST_F(PublisherTest, UnacknowledgedIsAcceptedAndPublishedLater) {
  bench_.log->withhold_acknowledgements(true);
  const auto report = bench_.upload(rows_csv(1, 3, "a"));
  EXPECT_EQ(report.status, UploadStatus::accepted);
  EXPECT_EQ(bench_.engine->reader().upload(report.upload.upload_id).value()->state, UploadState::accepted);
  bench_.log->withhold_acknowledgements(false);
  EXPECT_TRUE(bench_.wait_published(report.upload.upload_id));
  EXPECT_EQ(bench_.log->messages().size(), 3U) << "one publication was enough";
  const auto upload = bench_.engine->reader().upload(report.upload.upload_id).value();
  EXPECT_EQ(upload->times.published_at, bench_.clock.now());
}

TEST_F(PublisherTest, AnAppendInDoubtIsSentAgainUnderTheSameIds) {
  bench_.log->fail_append(3);
  const auto report = bench_.upload(rows_csv(1, 5, "a"));
  EXPECT_TRUE(bench_.wait_published(report.upload.upload_id));
  const auto messages = bench_.log->messages();
  EXPECT_GT(messages.size(), 5U) << "what was in doubt is sent again";
  EXPECT_EQ(different_events(messages, report.upload.upload_id), 5U);
}

TEST_F(PublisherTest, OneTableThatWaitsDoesNotStopOthers) {
  bench_.log->withhold_acknowledgements(true);
  const auto slow = bench_.upload(IngestBench::request("slow"), rows_csv(1, 3, "a"));
  EXPECT_EQ(slow.status, UploadStatus::accepted);
  const auto other = bench_.upload(IngestBench::request("other"), rows_csv(1, 3, "a"));
  EXPECT_EQ(other.status, UploadStatus::accepted);
  EXPECT_TRUE(bench_.log->wait_for_publications(2)) << "the second thread took the other table";
  bench_.log->withhold_acknowledgements(false);
  EXPECT_TRUE(bench_.wait_published(slow.upload.upload_id));
  EXPECT_TRUE(bench_.wait_published(other.upload.upload_id));
}

/// Tests publishers that wait for a log that acknowledges nothing yet, and uploads that do not wait for them.
class BusyPublishers : public PublisherTest {
 protected:
  void begin(std::size_t publishers) {
    bench_.options.publish_timeout = std::chrono::seconds(60);
    bench_.options.publishers = publishers;
    bench_.close();
    ASSERT_TRUE(bench_.open().has_value());
    bench_.log->withhold_acknowledgements(true);
  }
  UploadId accepted(const std::string& company, const std::string& table) {
    auto request = IngestBench::request(company);
    request.fields["table_name"] = table;
    request.caller.publish_wait = std::chrono::milliseconds(0);
    const auto report = bench_.upload(request, "id\n1\n");
    EXPECT_EQ(report.status, UploadStatus::accepted);
    return report.upload.upload_id;
  }
  std::vector<UploadId> published() {
    std::vector<UploadId> ids;
    for (const auto& message : bench_.log->messages()) ids.push_back(message.upload);
    return ids;
  }
};

TEST_F(BusyPublishers, ServeCompaniesInTurn) {
  begin(1);
  const auto a1 = accepted("a", "t1");
  ASSERT_TRUE(bench_.log->wait_for_publications(1));
  const auto a2 = accepted("a", "t2");
  const auto a3 = accepted("a", "t3");
  const auto b = accepted("b", "t");
  const auto c = accepted("c", "t");
  bench_.log->withhold_acknowledgements(false);
  for (const auto& id : {a1, a2, a3, b, c}) ASSERT_TRUE(bench_.wait_published(id));
  EXPECT_THAT(published(), ::testing::ElementsAre(a1, b, c, a2, a3));
}

TEST_F(BusyPublishers, AreLeftForOtherCompanies) {
  begin(4);
  for (const auto* table : {"t1", "t2", "t3", "t4", "t5", "t6"}) accepted("a", table);
  ASSERT_TRUE(bench_.log->wait_for_publications(2));
  const auto other = accepted("b", "t");
  ASSERT_TRUE(bench_.log->wait_for_publications(3));
  bench_.log->withhold_acknowledgements(false);
  ASSERT_TRUE(bench_.wait_published(other));
  EXPECT_EQ(published()[2], other);
}

TEST_F(PublisherTest, AnUploadThatWaitsForTheLogHoldsNoThread) {
  bench_.options.publish_timeout = std::chrono::seconds(60);
  bench_.options.comparers = 1;
  bench_.close();
  ASSERT_TRUE(bench_.open().has_value());
  bench_.log->withhold_acknowledgements(true);
  std::promise<UploadStatus> answered;
  auto reception = bench_.engine->intake().receive();
  ASSERT_TRUE(reception.has_value());
  const std::string_view bytes = "id\n1\n";
  ASSERT_TRUE(reception.value()->write(std::as_bytes(std::span(bytes))).has_value());
  reception.value()->submit(IngestBench::request("slow"), [&answered](const Result<SubmitOutcome>& outcome) {
    answered.set_value(std::get<UploadReport>(outcome.value()).status);
  });
  ASSERT_TRUE(bench_.log->wait_for_publications(1));
  auto request = IngestBench::request("other");
  request.caller.publish_wait = std::chrono::milliseconds(0);
  EXPECT_EQ(bench_.upload(request, bytes).status, UploadStatus::accepted);
  auto answer = answered.get_future();
  EXPECT_EQ(answer.wait_for(std::chrono::seconds(0)), std::future_status::timeout) << "it still waits";
  bench_.log->withhold_acknowledgements(false);
  EXPECT_EQ(answer.get(), UploadStatus::published);
}

TEST_F(PublisherTest, StopAnswersWhatWaitsForTheLog) {
  bench_.options.publish_timeout = std::chrono::seconds(60);
  bench_.close();
  ASSERT_TRUE(bench_.open().has_value());
  bench_.log->withhold_acknowledgements(true);
  auto upload = std::async(std::launch::async, [this] { return bench_.upload(rows_csv(1, 3, "a")).status; });
  ASSERT_TRUE(bench_.log->wait_for_publications(1));
  bench_.log->interrupt();
  bench_.engine->stop();
  EXPECT_EQ(upload.get(), UploadStatus::accepted);
}

TEST_F(PublisherTest, UnpublishedGoesOnAfterARestartUnderTheSameIds) {
  bench_.log->withhold_acknowledgements(true);
  const auto v1 = bench_.upload(rows_csv(1, 3, "a")).upload;
  const auto v2 = bench_.upload(rows_csv(2, 4, "b")).upload;
  const auto before = bench_.log->messages();
  bench_.close();
  ASSERT_TRUE(bench_.open().has_value());
  EXPECT_TRUE(bench_.wait_published(v1.upload_id));
  EXPECT_TRUE(bench_.wait_published(v2.upload_id));
  auto all = bench_.log->messages();
  ASSERT_EQ(all.size(), 3U + 4U);
  EXPECT_EQ(all.front().upload, v1.upload_id) << "in version order";
  EXPECT_EQ(all.back().upload, v2.upload_id);
  all.insert(all.end(), before.begin(), before.end());
  EXPECT_EQ(different_events(all, v1.upload_id), 3U);
  EXPECT_EQ(different_events(all, v2.upload_id), 4U);
}

TEST_F(PublisherTest, RepublishSendsTheSameEventsAgainInVersionOrder) {
  std::vector<UploadId> ids;
  for (const int last : {3, 5, 8}) {
    ids.push_back(bench_.upload(rows_csv(1, last, "a")).upload.upload_id);
    ASSERT_TRUE(bench_.wait_published(ids.back()));
  }
  const std::size_t sent = bench_.log->messages().size();
  EXPECT_EQ(
      bench_.engine->publications().republish({TableRef{"nobody", "financials"}, Version(1)}).error().type,
      "no-such-table");
  const TableRef table = bench_.engine->reader().tables().value().front().table;
  EXPECT_EQ(bench_.engine->publications().republish({table, Version(4)}).error().type, "no-such-version");

  const auto report = bench_.engine->publications().republish({table, Version(2)}).value();
  EXPECT_EQ(report.tables, 1);
  EXPECT_EQ(report.uploads, 2);
  EXPECT_TRUE(bench_.wait_published(ids[1]));
  EXPECT_TRUE(bench_.wait_published(ids[2]));
  const auto messages = bench_.log->messages();
  ASSERT_EQ(messages.size(), sent + 2 + 3) << "versions 2 and 3 again";
  EXPECT_EQ(messages[sent].upload, ids[1]);
  EXPECT_EQ(messages.back().upload, ids[2]);
  EXPECT_EQ(different_events(messages, ids[2]), 3U);
}

TEST_F(PublisherTest, WhatIsRepublishedGoesBeforeLaterVersionsThatWait) {
  const auto v1 = bench_.upload(rows_csv(1, 3, "a")).upload.upload_id;
  ASSERT_TRUE(bench_.wait_published(v1));
  const std::size_t sent = bench_.log->messages().size();
  bench_.log->set_down(true);
  const auto v2 = bench_.upload(rows_csv(1, 4, "a")).upload.upload_id;
  const auto v3 = bench_.upload(rows_csv(1, 5, "a")).upload.upload_id;
  EXPECT_EQ(bench_.engine->publications().republish({}).value().uploads, 1)
      << "the others are not published yet";
  EXPECT_EQ(bench_.engine->health().accepted_unpublished, 3);
  bench_.log->set_down(false);
  ASSERT_TRUE(bench_.wait_published(v3));
  ASSERT_TRUE(bench_.wait_published(v1));
  std::vector<UploadId> order;
  const auto messages = bench_.log->messages();
  for (std::size_t i = sent; i < messages.size(); ++i) {
    if (order.empty() || order.back() != messages[i].upload) order.push_back(messages[i].upload);
  }
  // A thread may have started to publish version 2 already.
  EXPECT_THAT(order,
              ::testing::AnyOf(::testing::ElementsAre(v1, v2, v3), ::testing::ElementsAre(v2, v1, v3)));
}

TEST_F(PublisherTest, AMarkIsEnoughWhereNoServerRuns) {
  const auto v1 = bench_.upload(rows_csv(1, 3, "a")).upload.upload_id;
  ASSERT_TRUE(bench_.wait_published(v1));
  bench_.close();
  EXPECT_EQ(mark_for_republish(bench_.options, {}).value().uploads, 1);
  EXPECT_EQ(mark_for_republish(bench_.options, {}).value().uploads, 1) << "marked already, and to be sent";
  EXPECT_EQ(mark_for_republish(bench_.options, {std::nullopt, Version(2)}).value().uploads, 0);
  ASSERT_TRUE(bench_.open().has_value());
  EXPECT_TRUE(bench_.wait_published(v1));
  EXPECT_EQ(different_events(bench_.log->messages(), v1), 3U);
}

TEST_F(PublisherTest, StopReturnsThoughTheLogNeverAnswers) {
  bench_.log->withhold_acknowledgements(true);
  const auto id = bench_.upload(rows_csv(1, 3, "a")).upload.upload_id;
  bench_.engine->stop();
  EXPECT_FALSE(bench_.wait_published(id));
  EXPECT_EQ(bench_.submit(IngestBench::request("x"), "id\n1\n").error().code, ErrorCode::shutting_down);
}

TEST_F(PublisherTest, ADamagedArchiveStopsThatTableAndSaysSo) {
  bench_.log->set_down(true);
  const auto upload = bench_.upload(rows_csv(1, 3, "a")).upload;
  const auto path = Layout{bench_.options.data_dir}.archived_file(upload);
  bench_.close();
  ASSERT_TRUE(io::remove_file(path).has_value());
  ASSERT_TRUE(io::write_file_durably(path, rows_csv(1, 2, "a")).has_value());
  ASSERT_TRUE(bench_.open().has_value());
  const auto other = bench_.upload(IngestBench::request("other"), rows_csv(1, 3, "a"));
  EXPECT_TRUE(bench_.wait_published(other.upload.upload_id));
  EXPECT_EQ(different_events(bench_.log->messages(), upload.upload_id), 0U);
  const auto health = bench_.engine->health();
  EXPECT_FALSE(health.log) << "the log is not to blame: " << health.log->text();
  ASSERT_EQ(health.damaged.size(), 1U);
  EXPECT_EQ(health.damaged.front().table, upload.table);
  EXPECT_EQ(health.damaged.front().version, Version(1));
}

/// While a comparison waits for the log, it stays in memory, and its files are mapped and read when its turn
/// comes.
TEST_F(BusyPublishers, WhatIsWrittenToAFileThatWaitsDoesNotComeIntoItsEvents) {
  begin(1);
  accepted("a", "t");
  ASSERT_TRUE(bench_.log->wait_for_publications(1));
  const auto waiting = bench_.engine->reader().upload(accepted("b", "t")).value().value();
  const auto path = Layout{bench_.options.data_dir}.archived_file(waiting);
  std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  {
    std::ofstream file(path, std::ios::in | std::ios::out);
    file << "id\n2\n";
  }
  bench_.log->withhold_acknowledgements(false);
  ASSERT_TRUE(bench_.wait_published(accepted("c", "t")));
  while (bench_.engine->health().damaged.empty()) {
    ASSERT_EQ(different_events(bench_.log->messages(), waiting.upload_id), 0U);
  }
  EXPECT_EQ(different_events(bench_.log->messages(), waiting.upload_id), 0U);
}

TEST_F(PublisherTest, WhatIsWrittenToAFileWhileTheLogIsDownDoesNotComeIntoItsEvents) {
  bench_.log->set_down(true);
  const auto upload = bench_.upload(rows_csv(1, 3, "a")).upload;
  const auto path = Layout{bench_.options.data_dir}.archived_file(upload);
  std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  {
    std::ofstream file(path, std::ios::in | std::ios::out);
    file << rows_csv(1, 3, "b");
  }
  bench_.log->set_down(false);
  // Publishing is retried within two seconds. A table whose file is damaged waits.
  const auto other = bench_.upload(IngestBench::request("other"), rows_csv(1, 3, "a"));
  EXPECT_TRUE(bench_.wait_published(other.upload.upload_id));
  while (bench_.engine->health().damaged.empty()) {
    ASSERT_EQ(different_events(bench_.log->messages(), upload.upload_id), 0U);
  }
  EXPECT_EQ(different_events(bench_.log->messages(), upload.upload_id), 0U);
}

/// The file's bytes are right, but a comparison by the current program finds other changes.
TEST_F(PublisherTest, WhatIsSentLaterHasTheChangesThatWereRecordedAtAcceptance) {
  bench_.log->set_down(true);
  const auto upload = bench_.upload(rows_csv(1, 3, "a")).upload;
  {
    auto catalog = sqlite::Database::open(bench_.options.data_dir / "catalog.db");
    ASSERT_TRUE(catalog.has_value());
    const auto changed =
        catalog.value().execute("UPDATE uploads SET record = json_set(record, '$.inserted', 4)");
    ASSERT_TRUE(changed.has_value()) << changed.error().text();
  }
  bench_.log->set_down(false);
  while (bench_.engine->health().damaged.empty()) {
    ASSERT_EQ(different_events(bench_.log->messages(), upload.upload_id), 0U);
  }
  EXPECT_NE(bench_.engine->health().damaged[0].what.find("3 changes, "), std::string::npos)
      << bench_.engine->health().damaged[0].what;
  EXPECT_EQ(different_events(bench_.log->messages(), upload.upload_id), 0U);
}

TEST_F(PublisherTest, APublisherThatRunsOutOfMemoryGoesOn) {
  bench_.log->exhaust_memory(20);
  const auto upload = bench_.upload(rows_csv(1, 3, "a")).upload;
  EXPECT_TRUE(bench_.log->wait_for_publications(3));
  const auto health = bench_.engine->health();
  ASSERT_TRUE(health.log);
  EXPECT_EQ(health.log->type, "out-of-memory") << health.log->text();
  bench_.log->exhaust_memory(0);
  EXPECT_TRUE(bench_.wait_published(upload.upload_id));
}

}  // namespace
}  // namespace deltadrop::ingest
