#include "core/stop.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <stop_token>
#include <thread>

namespace deltadrop {
namespace {

Error because(std::string type) { return {ErrorCode::unavailable, std::move(type), "", ""}; }

TEST(Stop, IsNeverRequestedWithoutASource) {
  EXPECT_FALSE(Stop().requested());
  EXPECT_TRUE(Stop().check().has_value());
}

TEST(Stop, FailsWithTheReasonThatHolds) {
  std::stop_source first;
  std::stop_source second;
  const Stop stop = Stop().on(first.get_token(), because("first")).on(second.get_token(), because("second"));
  const Stop copy = stop;
  EXPECT_FALSE(copy.requested());
  second.request_stop();
  EXPECT_TRUE(copy.requested());
  EXPECT_EQ(copy.check().error().type, "second");
  first.request_stop();
  EXPECT_EQ(stop.check().error().type, "first");
}

TEST(Stop, EndsAWait) {
  const auto begin = Stop::Clock::now();
  const auto late = begin + std::chrono::hours(1);
  std::stop_source source;
  const Stop stop = Stop().on(source.get_token(), because("first"));
  std::jthread other([&] { source.request_stop(); });
  stop.wait_until(late);
  EXPECT_TRUE(stop.requested());
  stop.wait_until(late);
  Stop().after(begin, because("late")).wait_until(late);
  EXPECT_LT(Stop::Clock::now() - begin, std::chrono::minutes(30));
}

TEST(Stop, WaitsUntilTheGivenTime) {
  const auto until = Stop::Clock::now() + std::chrono::milliseconds(20);
  Stop().wait_until(until);
  EXPECT_GE(Stop::Clock::now(), until);
}

TEST(Stop, IsRequestedAfterItsDeadline) {
  const auto now = Stop::Clock::now();
  EXPECT_FALSE(Stop().after(now + std::chrono::hours(1), because("late")).requested());
  EXPECT_EQ(Stop().after(now, because("late")).check().error().type, "late");
}

}  // namespace
}  // namespace deltadrop
