#include "core/stop.hpp"

#include <gtest/gtest.h>

#include <stop_token>

namespace deltadrop {
namespace {

Error because(std::string type) { return {ErrorCode::unavailable, std::move(type), "", ""}; }

TEST(Stop, IsNeverRequestedUnlessSomethingCan) {
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

TEST(Stop, IsRequestedFromItsDeadlineOn) {
  const auto now = Stop::Clock::now();
  EXPECT_FALSE(Stop().after(now + std::chrono::hours(1), because("late")).requested());
  EXPECT_EQ(Stop().after(now, because("late")).check().error().type, "late");
}

}  // namespace
}  // namespace deltadrop
