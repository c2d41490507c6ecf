#include "app/stop_signals.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <csignal>

namespace deltadrop::app {
namespace {

[[noreturn]] void hang() {
  while (true) ::pause();
}

class StopSignalsDeathTest : public ::testing::Test {
 protected:
  StopSignalsDeathTest() { ::testing::FLAGS_gtest_death_test_style = "threadsafe"; }
};

TEST_F(StopSignalsDeathTest, TheFirstAsksToEnd) {
  EXPECT_EXIT(
      {
        StopSignals signals;
        if (signals.came()) ::_exit(2);
        ::kill(::getpid(), SIGTERM);
        signals.wait();
        ::_exit(signals.came() ? 0 : 3);
      },
      ::testing::ExitedWithCode(0), "");
}

TEST_F(StopSignalsDeathTest, TheSecondEndsAtOnce) {
  EXPECT_EXIT(
      {
        StopSignals signals;
        ::kill(::getpid(), SIGTERM);
        signals.wait();
        ::kill(::getpid(), SIGINT);
        hang();
      },
      ::testing::ExitedWithCode(128 + SIGINT), "a second signal");
}

TEST_F(StopSignalsDeathTest, WhatDoesNotEndIsEndedWithinTenSeconds) {
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_EXIT(
      {
        StopSignals signals;
        ::kill(::getpid(), SIGTERM);
        hang();  // like a start that never reaches `wait`
      },
      ::testing::ExitedWithCode(1), "did not end within 10 s");
  // Two seconds more than the limit, for a busy machine.
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(12));
}

}  // namespace
}  // namespace deltadrop::app
