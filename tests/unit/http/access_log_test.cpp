#include "http/access_log.hpp"

#include <gtest/gtest.h>

#include <string>

#include "support/captured_log.hpp"

namespace deltadrop::http {
namespace {

/// Returns what `work` logs.
template <class Work>
std::string logged_by(const Work& work) {
  const testing::CapturedLog log;
  work();
  return log.text();
}

TEST(AccessLog, IsOneLineForAnyPath) {
  const auto lines = logged_by(
      [] { log_request({"GET", "/a\nb\x1b[31m", 404, std::chrono::microseconds(1500), "id-1", ""}); });
  EXPECT_EQ(lines, "request method=\"GET\" path=\"/a\\x0Ab\\x1B[31m\" status=404 ms=1.5 id=id-1\n");
}

TEST(AccessLog, NamesTheKeyAndTheReasonOfAnEndedResponse) {
  const auto lines =
      logged_by([] { log_turned_away({"/api/v1/events/stream", "id-1", "1a2b3c4d", "SO\nfinance", "{}"}); });
  EXPECT_EQ(lines,
            "response path=\"/api/v1/events/stream\" id=id-1 ended while it was sent: key=\"1a2b3c4d\" "
            "name=\"SO\\x0Afinance\" {}\n");
}

}  // namespace
}  // namespace deltadrop::http
