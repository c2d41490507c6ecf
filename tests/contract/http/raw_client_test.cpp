#include "support/raw_client.hpp"

#include <gtest/gtest.h>
#include <pthread.h>

#include <csignal>

#include "test_server.hpp"

namespace deltadrop::http {
namespace {

/// Simulates a paused process: socket calls with a timeout then fail with EINTR.
TEST(RawClient, ContinuesAfterInterruptedCalls) {
  struct sigaction interrupt{};
  interrupt.sa_handler = [](int) {};
  struct sigaction before{};
  ASSERT_EQ(::sigaction(SIGUSR1, &interrupt, &before), 0);
  const auto client_thread = ::pthread_self();
  const TestServer server({get("/interrupt", [client_thread](const Request&) {
    for (int i = 0; i < 1000; ++i) ::pthread_kill(client_thread, SIGUSR1);
    return text_response("whole");
  })});
  for (int i = 0; i < 20; ++i) EXPECT_EQ(test::fetch(server.address, "GET", "/interrupt").body, "whole");
  ASSERT_EQ(::sigaction(SIGUSR1, &before, nullptr), 0);
}

}  // namespace
}  // namespace deltadrop::http
