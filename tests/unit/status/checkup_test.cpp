#include "status/checkup.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <latch>

#include "status/standstill.hpp"
#include "support/fake_history.hpp"
#include "support/fake_services.hpp"

namespace deltadrop::status {
namespace {

/// A history that answers all queries of an examination.
class AnsweringHistory final : public testing::FakeHistory {
 public:
  Result<void> health() override { return success(); }
  Result<history::Summary> summary() override { return state; }
  Result<AppliedNo> last_applied() override { return AppliedNo(3); }
  Result<std::vector<history::UploadStatus>> uploads_for_lake() override { return waiting; }
  Result<std::set<UploadId>> applied_among(const std::set<UploadId>& uploads) override { return uploads; }

  history::Summary state;
  std::vector<history::UploadStatus> waiting;
};

class CheckupTest : public ::testing::Test {
 protected:
  void waits_for_lake(int version) {
    history::UploadStatus upload;
    upload.facts.table = {"acme", "financials"};
    upload.facts.version = Version(version);
    upload.facts.upload_id.bytes[15] = static_cast<std::uint8_t>(version);
    history_.waiting = {upload};
    history_.state.uploads_not_in_lake = 1;
  }

  io::ManualClock clock_{Timestamp{1'800'000'000'000}};
  test::FakeIngest ingest_;
  test::FakeLog log_;
  AnsweringHistory history_;
  Examiner examiner_{{&ingest_, log_, history_, nullptr, clock_}};
};

TEST_F(CheckupTest, FindsThatTheLakeStandsStillForAMinute) {
  EXPECT_EQ(examiner_.examine().lake_up, true);
  waits_for_lake(1);
  EXPECT_EQ(examiner_.examine().lake_up, true);
  clock_.advance_ms(59'999);
  EXPECT_EQ(examiner_.examine().lake_up, true);
  waits_for_lake(2);
  clock_.advance_ms(1);
  EXPECT_EQ(examiner_.examine().lake_up, true) << "the first is in the lake";
  clock_.advance_ms(59'999);
  EXPECT_TRUE(troubles_of(examiner_.examine()).empty());
  clock_.advance_ms(1);
  const auto found = examiner_.examine();
  EXPECT_EQ(found.lake_up, false);
  ASSERT_EQ(troubles_of(found).size(), 1U);
  EXPECT_NE(troubles_of(found)[0].find("lake: version 2 of acme/financials"), std::string::npos)
      << troubles_of(found)[0];
  history_.state.uploads_not_in_lake = 0;
  EXPECT_EQ(examiner_.examine().lake_up, true);
}

TEST_F(CheckupTest, KnowsNothingThatTheCatalogWouldKnow) {
  ingest_.state_of_health.accepted_unpublished = 2;
  EXPECT_EQ(examiner_.examine().pending, 2);
  ingest_.received->refuse_write = Error{ErrorCode::unavailable, "disk-full", "no room", "make room"};
  clock_.advance_ms(1'000);
  auto found = examiner_.examine();
  EXPECT_TRUE(found.uploads);
  ASSERT_TRUE(found.ingest) << "a full disk is no reason not to know";
  EXPECT_EQ(found.ingest->accepted_unpublished, 2);
  ingest_.down = Error{ErrorCode::unavailable, "disk-io", "catalog.db cannot be read", "look at the disk"};
  clock_.advance_ms(1'000);
  found = examiner_.examine();
  EXPECT_FALSE(found.ingest);
  EXPECT_EQ(found.pending, std::nullopt);
  EXPECT_FALSE(found.log) << "the log is not to blame for it";
}

/// A history that blocks all calls until it is thawed.
class FrozenHistory final : public test::FakeHistory {
 public:
  Result<void> health() override {
    thawed.wait();
    return success();
  }
  Result<history::Summary> summary() override {
    thawed.wait();
    return history::Summary{};
  }
  Result<AppliedNo> last_applied() override { return AppliedNo(0); }

  std::latch thawed{1};
};

TEST(ConsumersCheckup, DoesNotWaitForAFrozenDatabase) {
  io::ManualClock clock{Timestamp{1'800'000'000'000}};
  test::FakeLog log;
  FrozenHistory history;
  consume::Consumer consumer({}, {}, log, history, history, clock);
  Examiner examiner{{nullptr, log, history, &consumer, clock}};
  auto examined = std::async(std::launch::async, [&] { return examiner.examine(); });
  const bool answered = examined.wait_for(std::chrono::seconds(20)) == std::future_status::ready;
  history.thawed.count_down();
  const auto found = examined.get();
  ASSERT_TRUE(answered);
  EXPECT_TRUE(found.database);
  EXPECT_EQ(found.pending, std::nullopt);
  EXPECT_EQ(found.lake_up, std::nullopt);
  ASSERT_TRUE(found.consumer);
  EXPECT_EQ(found.consumer->lag, std::nullopt);
  EXPECT_EQ(found.consumer_up, true) << "it has not given up";
}

TEST(Standstill, BeginsANewMinuteWithEachStepAndWhenTheClockWasSetBack) {
  Standstill standstill;
  const Timestamp start{1'800'000'000'000};
  EXPECT_FALSE(standstill.look("a", start));
  EXPECT_FALSE(standstill.look("a", start.plus_ms(59'999)));
  EXPECT_TRUE(standstill.look("a", start.plus_ms(60'000)));
  EXPECT_FALSE(standstill.look("b", start.plus_ms(60'000)));
  EXPECT_FALSE(standstill.look(std::nullopt, start.plus_ms(200'000))) << "nothing has to move";
  EXPECT_FALSE(standstill.look("b", start.plus_ms(200'000)));
  EXPECT_FALSE(standstill.look("b", start));
  EXPECT_FALSE(standstill.look("b", start.plus_ms(59'999)));
  EXPECT_TRUE(standstill.look("b", start.plus_ms(60'000)));
}

}  // namespace
}  // namespace deltadrop::status
