#include "http/access_log.hpp"

#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <sstream>

namespace deltadrop::http {
namespace {

/// What `work` logs.
template <class Work>
std::string logged_by(const Work& work) {
  std::ostringstream lines;
  const auto before = spdlog::default_logger();
  const auto logger =
      std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::ostream_sink_mt>(lines));
  logger->set_pattern("%v");
  spdlog::set_default_logger(logger);
  work();
  spdlog::set_default_logger(before);
  return lines.str();
}

TEST(AccessLog, IsOneLineWhateverThePathHolds) {
  const auto lines = logged_by(
      [] { log_request({"GET", "/a\nb\x1b[31m", 404, std::chrono::microseconds(1500), "id-1", ""}); });
  EXPECT_EQ(lines, "request method=\"GET\" path=\"/a\\x0Ab\\x1B[31m\" status=404 ms=1.5 id=id-1\n");
}

TEST(AccessLog, NamesWhoseResponseTheGateEndedAndWhy) {
  const auto lines =
      logged_by([] { log_turned_away({"/api/v1/events/stream", "id-1", "1a2b3c4d", "SO\nfinance", "{}"}); });
  EXPECT_EQ(lines,
            "response path=\"/api/v1/events/stream\" id=id-1 ended while it was sent: key=\"1a2b3c4d\" "
            "name=\"SO\\x0Afinance\" {}\n");
}

}  // namespace
}  // namespace deltadrop::http
