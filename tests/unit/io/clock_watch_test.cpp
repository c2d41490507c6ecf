#include "io/clock_watch.hpp"

#include <gtest/gtest.h>

namespace deltadrop::io {
namespace {

using std::chrono::milliseconds;

constexpr std::int64_t kMinute = 60'000;
constexpr std::int64_t kHour = 60 * kMinute;
constexpr std::int64_t kDay = 24 * kHour;
const TableRef kTable{"acme", "financials"};

class ClockWatchTest : public ::testing::Test {
 protected:
  [[nodiscard]] ClockWatch start(const std::optional<ClockMark>& last = std::nullopt) {
    return ClockWatch(clock_, milliseconds(kDay), last);
  }

  ManualClock clock_{Timestamp{1'741'610'096'789}};
};

TEST_F(ClockWatchTest, PassingTimeIsPlausible) {
  auto watch = start();
  const Timestamp begun = clock_.now();
  for (int i = 0; i < 10; ++i) {
    clock_.advance_ms(30 * kDay);
    const auto report = watch.look();
    EXPECT_EQ(report.state, ClockState::right);
    EXPECT_FALSE(report.trouble);
  }
  EXPECT_EQ(watch.measured_now(), begun.plus_ms(300 * kDay));
  EXPECT_EQ(watch.expected_now(), clock_.now());
}

TEST_F(ClockWatchTest, CorrectionsAreFollowed) {
  auto watch = start();
  for (int i = 0; i < 100; ++i) {
    clock_.advance_ms(kHour);
    clock_.jump_ms(kMinute);
    EXPECT_EQ(watch.look().state, ClockState::right) << i;
  }
  EXPECT_EQ(watch.expected_now(), clock_.now());
}

struct Jump {
  std::int64_t ms;
  ClockState state;
  std::string_view said;
};

class JumpTest : public ClockWatchTest, public ::testing::WithParamInterface<Jump> {};

TEST_P(JumpTest, IsSeenWhileRunningAndEndsWhenTheClockIsBack) {
  auto watch = start();
  const Timestamp measured = watch.measured_now();
  clock_.advance_ms(1'000);
  clock_.jump_ms(GetParam().ms);
  const auto report = watch.look();
  EXPECT_EQ(report.state, GetParam().state);
  EXPECT_EQ(report.jump, milliseconds(GetParam().ms));
  ASSERT_TRUE(report.trouble);
  EXPECT_NE(report.trouble->message.find(GetParam().said), std::string::npos) << report.trouble->message;
  EXPECT_NE(report.trouble->fix.find("deltadrop clock accept"), std::string::npos);
  EXPECT_EQ(watch.check().has_value(), GetParam().state != ClockState::wrong);
  EXPECT_EQ(watch.expected_now(), clock_.now().plus_ms(-GetParam().ms));
  EXPECT_EQ(watch.measured_now(), measured.plus_ms(1'000));
  clock_.jump_ms(-GetParam().ms);
  EXPECT_EQ(watch.look().state, ClockState::right);
  EXPECT_TRUE(watch.check().has_value());
}

TEST_P(JumpTest, IsSeenByTheNextRunOfTheSameBoot) {
  const auto mark = start().mark();
  clock_.advance_ms(kHour);
  clock_.jump_ms(GetParam().ms);
  auto watch = start(mark);
  EXPECT_EQ(watch.look().state, GetParam().state);
  EXPECT_EQ(watch.measured_now(), mark.measured.plus_ms(kHour));
  // The run after it sees the jump too.
  EXPECT_EQ(start(watch.mark()).look().state, GetParam().state);
}

TEST_P(JumpTest, IsOverOnceTheOperatorAgrees) {
  auto watch = start();
  clock_.jump_ms(GetParam().ms);
  watch.agree();
  EXPECT_EQ(watch.look().state, ClockState::right);
  EXPECT_EQ(watch.expected_now(), clock_.now());
  EXPECT_EQ(start(watch.mark()).look().state, ClockState::right);
}

INSTANTIATE_TEST_SUITE_P(Jumps, JumpTest,
                         ::testing::Values(Jump{kMinute + 1, ClockState::doubtful, "ahead by 1m 0s"},
                                           Jump{kDay, ClockState::doubtful, "ahead by 1d 0h"},
                                           Jump{kDay + 1, ClockState::wrong, "ahead by 1d 0h"},
                                           Jump{40 * kDay, ClockState::wrong, "ahead by 40d 0h"},
                                           Jump{-3 * kHour, ClockState::doubtful, "back by 3h 0m"},
                                           Jump{-40 * kDay, ClockState::wrong, "back by 40d 0h"}));

TEST_F(ClockWatchTest, AMachineThatWasOffNeedsConfirmationAndContinues) {
  const auto mark = start().mark();
  clock_.reboot();
  clock_.jump_ms(14 * kDay);
  auto watch = start(mark);
  auto report = watch.look();
  EXPECT_EQ(report.state, ClockState::doubtful);
  ASSERT_TRUE(report.trouble);
  EXPECT_NE(report.trouble->message.find("the machine was off for 14d 0h, or the clock is wrong"),
            std::string::npos);
  EXPECT_TRUE(watch.check().has_value());
  EXPECT_EQ(watch.measured_now(), mark.measured) << "nothing measured the time off";
  EXPECT_EQ(start(watch.mark()).look().state, ClockState::doubtful) << "nobody has agreed yet";
  clock_.set_synchronised(true);
  EXPECT_EQ(watch.look().state, ClockState::right) << "another clock agrees";
}

TEST_F(ClockWatchTest, AnUnconfirmedClockIsNoEvidenceAgainstTheNext) {
  const auto mark = start().mark();
  clock_.reboot();
  clock_.jump_ms(40 * kDay);
  const auto unconfirmed = start(mark).mark();
  clock_.reboot();
  clock_.jump_ms(-40 * kDay + kHour);
  EXPECT_EQ(start(unconfirmed).look().state, ClockState::right);
  clock_.jump_ms(-3 * kDay);
  EXPECT_EQ(start(unconfirmed).look().state, ClockState::wrong) << "before the confirmed time";
}

TEST_F(ClockWatchTest, AShortTimeOffIsAccepted) {
  const auto mark = start().mark();
  clock_.reboot();
  clock_.jump_ms(23 * kHour);
  auto watch = start(mark);
  EXPECT_EQ(watch.look().state, ClockState::right);
  EXPECT_EQ(watch.measured_now(), mark.measured);
}

TEST_F(ClockWatchTest, AfterABootTheClockCannotBeBeforeTheLastRun) {
  const auto mark = start().mark();
  clock_.reboot();
  clock_.jump_ms(-40 * kDay);
  auto watch = start(mark);
  auto report = watch.look();
  EXPECT_EQ(report.state, ClockState::wrong);
  EXPECT_NE(report.trouble->message.find("40d 0h before"), std::string::npos) << report.trouble->message;
  EXPECT_EQ(watch.expected_now(), mark.expected) << "an expired key stays expired";
  // A machine without a battery-backed clock learns the time later. Its time off is not a jump.
  clock_.advance_ms(5'000);
  clock_.jump_ms(43 * kDay);
  EXPECT_EQ(watch.look().state, ClockState::right);
  EXPECT_EQ(watch.measured_now(), mark.measured.plus_ms(5'000));
}

TEST_F(ClockWatchTest, VersionsAheadOfTheClockStopUploadsBeyondTheLimit) {
  auto watch = start();
  watch.saw_version(kTable, clock_.now().plus_ms(kMinute));
  EXPECT_EQ(watch.look().state, ClockState::right);
  watch.saw_version(kTable, clock_.now().plus_ms(kHour));
  EXPECT_EQ(watch.look().state, ClockState::doubtful);
  EXPECT_TRUE(watch.check().has_value());
  watch.saw_version(kTable, clock_.now().plus_ms(40 * kDay));
  watch.saw_version({"other", "one"}, clock_.now());
  const auto report = watch.look();
  EXPECT_EQ(report.state, ClockState::wrong);
  EXPECT_EQ(report.newest_ahead, milliseconds(40 * kDay));
  EXPECT_NE(report.trouble->message.find("acme/financials"), std::string::npos) << report.trouble->message;
  ASSERT_FALSE(watch.check().has_value());
  EXPECT_EQ(watch.check().error().type, "clock-implausible");
  clock_.advance_ms(40 * kDay);
  EXPECT_EQ(watch.look().state, ClockState::right);
}

TEST_F(ClockWatchTest, AnAgreedLagIsKeptAndAnotherIsNot) {
  auto watch = start();
  watch.saw_version(kTable, clock_.now().plus_ms(40 * kDay));
  watch.agree();
  EXPECT_EQ(watch.look().state, ClockState::right);
  // A later version of the table gets a timestamp after its newest.
  watch.saw_version(kTable, clock_.now().plus_ms(40 * kDay + 5));
  EXPECT_EQ(watch.look().state, ClockState::right);
  auto again = start(watch.mark());
  again.saw_version(kTable, clock_.now().plus_ms(40 * kDay + 5));
  EXPECT_EQ(again.look().state, ClockState::right);
  again.saw_version(kTable, clock_.now().plus_ms(42 * kDay));
  EXPECT_EQ(again.look().state, ClockState::wrong);
}

TEST_F(ClockWatchTest, MovingDataDirToAnotherMachineAgesNothing) {
  const auto mark = start().mark();
  clock_.reboot();
  clock_.advance_ms(300 * kDay);  // the other machine has run for a long time
  clock_.jump_ms(-300 * kDay);
  EXPECT_EQ(start(mark).measured_now(), mark.measured);
}

TEST_F(ClockWatchTest, AnOldCatalogStartsWithItsNewestTimeOrNow) {
  ClockMark made;
  made.expected = made.measured = clock_.now().plus_ms(-kHour);
  EXPECT_EQ(start(made).measured_now(), made.measured);
  made.expected = made.measured = clock_.now().plus_ms(40 * kDay);  // written while the clock was ahead
  EXPECT_EQ(start(made).measured_now(), clock_.now());
}

TEST(RoughDuration, HasTwoUnits) {
  EXPECT_EQ(rough_duration(milliseconds(0)), "0s");
  EXPECT_EQ(rough_duration(milliseconds(59'999)), "59s");
  EXPECT_EQ(rough_duration(milliseconds(130'000)), "2m 10s");
  EXPECT_EQ(rough_duration(milliseconds(3 * kHour + 5 * kMinute)), "3h 5m");
  EXPECT_EQ(rough_duration(milliseconds(40 * kDay + 2 * kHour)), "40d 2h");
}

TEST(SystemClock, MeasuresTime) {
  SystemClock clock;
  const auto before = clock.uptime();
  EXPECT_GT(before.count(), 0);
  EXPECT_LE(before, clock.uptime());
  EXPECT_EQ(clock.boot_id(), clock.boot_id());
}

}  // namespace
}  // namespace deltadrop::io
