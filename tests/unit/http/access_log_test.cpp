#include "http/access_log.hpp"

#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <sstream>

namespace deltadrop::http {
namespace {

TEST(AccessLog, IsOneLineWhateverThePathHolds) {
  std::ostringstream lines;
  const auto before = spdlog::default_logger();
  const auto logger =
      std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::ostream_sink_mt>(lines));
  logger->set_pattern("%v");
  spdlog::set_default_logger(logger);
  log_request({"GET", "/a\nb\x1b[31m", 404, std::chrono::microseconds(1500), "id-1", ""});
  spdlog::set_default_logger(before);
  EXPECT_EQ(lines.str(), "request method=\"GET\" path=\"/a\\x0Ab\\x1B[31m\" status=404 ms=1.5 id=id-1\n");
}

}  // namespace
}  // namespace deltadrop::http
