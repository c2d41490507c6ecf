#include <gtest/gtest.h>

#include "ingest/archive.hpp"
#include "sqlite/database.hpp"
#include "support/ingest_bench.hpp"

namespace deltadrop::ingest {
namespace {

using deltadrop::testing::IngestBench;
using deltadrop::testing::rows_csv;

constexpr std::int64_t kHourMs = 3'600'000;
constexpr std::int64_t kDayMs = 24 * kHourMs;

class ClockTest : public ::testing::Test {
 protected:
  void SetUp() override { open(); }
  void open() {
    const auto opened = bench_.open();
    ASSERT_TRUE(opened.has_value()) << opened.error().text();
  }
  void restart() {
    bench_.close();
    open();
  }
  UploadReport hold(const std::string& bytes, const std::string& key) const {
    auto request = IngestBench::request("acme");
    request.fields["dry_run"] = "true";
    request.caller.idempotency_key = key;
    return bench_.upload(request, bytes);
  }
  UploadState state_of(const UploadId& id) const { return bench_.engine->reader().upload(id).value()->state; }
  bool has_file(const UploadId& id) const {
    return std::filesystem::exists(Layout{bench_.options.data_dir}.held_file(id));
  }
  Result<SubmitOutcome> send(const std::string& bytes) const {
    return bench_.submit(IngestBench::request("acme"), bytes);
  }
  void change_catalog(std::string_view sql) {
    auto catalog = sqlite::Database::open(bench_.options.data_dir / "catalog.db");
    ASSERT_TRUE(catalog.has_value());
    const auto changed = catalog.value().execute(sql);
    ASSERT_TRUE(changed.has_value()) << changed.error().text();
  }

  IngestBench bench_;
};

TEST_F(ClockTest, HeldUploadsExpireAfterTheirTimeAndNotBefore) {
  bench_.upload(rows_csv(1, 30, "a"));
  const auto held = bench_.upload("id,name\n1,a\n").upload;
  const auto dry = hold(rows_csv(1, 31, "a"), "k").upload;
  ASSERT_EQ(state_of(held.upload_id), UploadState::held);
  bench_.clock.advance_ms(kDayMs - 1'000);
  restart();
  EXPECT_EQ(state_of(dry.upload_id), UploadState::held);
  bench_.clock.advance_ms(2'000);
  restart();
  EXPECT_EQ(state_of(dry.upload_id), UploadState::expired);
  EXPECT_FALSE(has_file(dry.upload_id));
  bench_.clock.advance_ms(29 * kDayMs - 10'000);
  restart();
  EXPECT_EQ(state_of(held.upload_id), UploadState::held);
  EXPECT_TRUE(has_file(held.upload_id));
  bench_.clock.advance_ms(20'000);
  restart();
  EXPECT_EQ(state_of(held.upload_id), UploadState::expired);
  EXPECT_FALSE(has_file(held.upload_id));
}

struct Wrong {
  const char* name;
  bool boots;
  std::int64_t jump_ms;
};

/// Starts once with a wrong clock, then with the right one.
class WrongOnceTest : public ClockTest, public ::testing::WithParamInterface<Wrong> {
 protected:
  void start_wrong() {
    bench_.close();
    bench_.clock.jump_ms(GetParam().jump_ms);
    if (GetParam().boots) bench_.clock.reboot();
    open();
  }
  void start_right() {
    bench_.close();
    bench_.clock.jump_ms(-GetParam().jump_ms);
    if (GetParam().boots) bench_.clock.reboot();
    open();
  }
};

TEST_P(WrongOnceTest, NothingExpires) {
  bench_.upload(rows_csv(1, 30, "a"));
  const auto held = bench_.upload("id,name\n1,a\n").upload;
  const auto dry = hold(rows_csv(1, 31, "a"), "dry").upload;
  auto keyed = IngestBench::request("acme");
  keyed.caller.idempotency_key = "k";
  const auto first = bench_.upload(keyed, rows_csv(1, 30, "b"));
  const auto check = [&] {
    EXPECT_EQ(state_of(held.upload_id), UploadState::held);
    EXPECT_EQ(state_of(dry.upload_id), UploadState::held);
    EXPECT_TRUE(has_file(held.upload_id));
    EXPECT_TRUE(has_file(dry.upload_id));
  };
  start_wrong();
  check();
  const auto health = bench_.engine->health();
  EXPECT_NE(health.clock.state, io::ClockState::right);
  EXPECT_TRUE(health.clock.trouble);
  start_right();
  check();
  const auto again = bench_.upload(keyed, rows_csv(1, 30, "b"));
  EXPECT_TRUE(again.replayed) << "the answer was kept";
  EXPECT_EQ(again.upload.upload_id, first.upload.upload_id);
  EXPECT_TRUE(bench_.engine->intake().release(dry.upload_id).has_error()) << "the table has moved on";
}

INSTANTIATE_TEST_SUITE_P(Clocks, WrongOnceTest,
                         ::testing::Values(Wrong{"ahead", false, 40 * kDayMs},
                                           Wrong{"ahead_after_a_boot", true, 40 * kDayMs},
                                           Wrong{"behind", false, -40 * kDayMs},
                                           Wrong{"behind_after_a_boot", true, -40 * kDayMs}),
                         [](const auto& wrong) { return wrong.param.name; });

TEST_F(ClockTest, WhatWasHeldUnderAClockThatWasBehindLivesAsLong) {
  bench_.clock.jump_ms(-20 * kHourMs);
  const auto dry = hold("id\n1\n", "k").upload;
  bench_.clock.jump_ms(20 * kHourMs);
  bench_.clock.advance_ms(5 * kHourMs);
  restart();
  EXPECT_EQ(state_of(dry.upload_id), UploadState::held);
  EXPECT_TRUE(hold("id\n1\n", "k").replayed);
}

TEST_F(ClockTest, TheEndOfAHeldUploadFollowsTheClock) {
  const auto dry = hold("id\n1\n", "k").upload;
  const auto end = dry.times.received_at.plus_ms(kDayMs);
  const auto stored = [&] { return *bench_.engine->reader().upload(dry.upload_id).value(); };
  EXPECT_EQ(bench_.engine->reader().expires_at(stored()), end);
  bench_.clock.advance_ms(kHourMs);
  bench_.clock.jump_ms(59'000);
  EXPECT_EQ(bench_.engine->reader().expires_at(stored()), end) << "a correction changes nothing";
  bench_.clock.jump_ms(kHourMs - 59'000);
  EXPECT_EQ(bench_.engine->reader().expires_at(stored()), end.plus_ms(kHourMs));
}

TEST_F(ClockTest, AJumpBeyondTheLimitStopsUploadsUntilTheClockIsBack) {
  bench_.upload(rows_csv(1, 2, "a"));
  const auto dry = hold(rows_csv(1, 2, "b"), "k").upload;
  auto reception = bench_.engine->intake().receive();
  ASSERT_TRUE(reception.has_value());
  const std::string_view bytes = "id,name\n1,c\n";
  ASSERT_TRUE(reception.value()->write(std::as_bytes(std::span(bytes))).has_value());
  bench_.clock.jump_ms(40 * kDayMs);
  const auto refused = send(rows_csv(1, 2, "b"));
  ASSERT_TRUE(refused.has_error());
  EXPECT_EQ(refused.error().type, "clock-implausible");
  EXPECT_EQ(refused.error().code, ErrorCode::unavailable);
  EXPECT_EQ(bench_.engine->intake().release(dry.upload_id).error().type, "clock-implausible");
  EXPECT_EQ(
      bench_.engine->intake().revert({{"acme", "financials"}, Version(1), false, false, {}, {}}).error().type,
      "clock-implausible");
  const auto received_before = reception.value()->submit(IngestBench::request("acme"));
  ASSERT_TRUE(received_before.has_error()) << "it gets its timestamp only now";
  EXPECT_EQ(received_before.error().type, "clock-implausible");
  EXPECT_EQ(bench_.engine->reader().table({"acme", "financials"}).value()->versions, 1);
  bench_.clock.jump_ms(-40 * kDayMs);
  EXPECT_TRUE(send(rows_csv(1, 2, "b")).has_value());
}

TEST_F(ClockTest, TheOperatorAgreesAndTheNextRunKnows) {
  bench_.clock.jump_ms(40 * kDayMs);
  ASSERT_TRUE(send("id\n1\n").has_error());
  ASSERT_TRUE(bench_.engine->accept_clock().has_value());
  EXPECT_TRUE(send("id\n1\n").has_value());
  restart();
  EXPECT_TRUE(send("id\n2\n").has_value());
  // The clock was wrong and is right now, so versions have later timestamps than the clock.
  bench_.clock.jump_ms(-40 * kDayMs);
  restart();
  EXPECT_EQ(send("id\n3\n").error().type, "clock-implausible");
  bench_.close();
  ASSERT_TRUE(accept_clock(bench_.options, bench_.clock).has_value()) << "while no server runs";
  EXPECT_EQ(look_at_clock(bench_.options, bench_.clock).value().state, io::ClockState::right);
  open();
  const auto accepted = send("id\n3\n");
  ASSERT_TRUE(accepted.has_value()) << accepted.error().text();
  const auto& upload = std::get<UploadReport>(accepted.value()).upload;
  EXPECT_EQ(upload.version, Version(3));
  EXPECT_GT(*upload.times.timestamp, bench_.clock.now().plus_ms(39 * kDayMs));
  EXPECT_FALSE(upload.outcome.warnings.empty());
}

TEST_F(ClockTest, VersionsAheadAreFoundAtTheStartWithoutAnyMark) {
  bench_.clock.jump_ms(40 * kDayMs);
  ASSERT_TRUE(bench_.engine->accept_clock().has_value());
  bench_.upload("id\n1\n");
  bench_.close();
  bench_.clock.jump_ms(-40 * kDayMs);
  change_catalog("DELETE FROM clock");
  open();
  const auto health = bench_.engine->health();
  EXPECT_EQ(health.clock.state, io::ClockState::wrong);
  EXPECT_EQ(health.clock.newest_ahead, std::chrono::milliseconds(40 * kDayMs));
}

TEST_F(ClockTest, TheTimeOfARunThatCrashedCounts) {
  const auto dry = hold("id\n1\n", "k").upload;
  bench_.clock.advance_ms(25 * kHourMs);
  bench_.close();
  // After a crash, the catalog has the mark of the start.
  change_catalog(
      "UPDATE clock SET uptime_ms = uptime_ms - 90000000, expected_ms = expected_ms - 90000000, "
      "measured_ms = measured_ms - 90000000");
  open();
  EXPECT_EQ(state_of(dry.upload_id), UploadState::expired);
}

TEST_F(ClockTest, AnUnknownStateIsAnErrorAndNeverExpired) {
  const auto dry = hold("id\n1\n", "k").upload;
  change_catalog("UPDATE uploads SET state = 'frozen'; UPDATE answers SET status = 'postponed'");
  const auto found = bench_.engine->reader().upload(dry.upload_id);
  ASSERT_TRUE(found.has_error());
  EXPECT_EQ(found.error().code, ErrorCode::corrupt);
  EXPECT_EQ(found.error().type, "unknown-state");
  EXPECT_NE(found.error().message.find("frozen"), std::string::npos);
  EXPECT_NE(found.error().fix.find("newer deltadrop"), std::string::npos);
  auto request = IngestBench::request("acme");
  request.fields["dry_run"] = "true";
  request.caller.idempotency_key = "k";
  const auto again = bench_.submit(request, "id\n1\n");
  ASSERT_TRUE(again.has_error());
  EXPECT_EQ(again.error().type, "unknown-state");
}

}  // namespace
}  // namespace deltadrop::ingest
