#include "app/logging.hpp"

#include <gtest/gtest.h>

#include "app/telemetry.hpp"

namespace deltadrop::app {
namespace {

std::string json(std::string_view message) { return as_json_line("T", "info", message); }

TEST(Logging, EscapesWhatCouldEndALineOrMoveATerminal) {
  EXPECT_EQ(as_one_line("a\nb\r\x1b[31m\x7f\tc"), "a\\x0Ab\\x0D\\x1B[31m\\x7F\\x09c");
  EXPECT_EQ(as_one_line("naïve \xff"), "naïve \\xFF");
  EXPECT_EQ(json("a\n\"b\""), "{\"time\":\"T\",\"level\":\"info\",\"message\":\"a\\\\x0A\\\"b\\\"\"}\n");
}

TEST(Logging, TakesFieldsApart) {
  EXPECT_EQ(json("request method=\"GET\" path=\"/a b\" status=200 ms=1.5 id=0a"),
            "{\"time\":\"T\",\"level\":\"info\",\"event\":\"request\",\"method\":\"GET\",\"path\":\"/a b\","
            "\"status\":200,\"ms\":1.5,\"id\":\"0a\"}\n");
  for (const std::string message :
       {"request", "waiting for Kafka: x=1", "request a=1  b=2", "request =1", ""}) {
    EXPECT_EQ(json(message), "{\"time\":\"T\",\"level\":\"info\",\"message\":\"" + message + "\"}\n");
  }
}

TEST(Logging, NumbersAreThoseOfJson) {
  EXPECT_EQ(json("x a=007 b=1e5 c=-1 d=1.2.3 e=0.5 f=0 g=12"),
            "{\"time\":\"T\",\"level\":\"info\",\"event\":\"x\",\"a\":\"007\",\"b\":\"1e5\",\"c\":\"-1\","
            "\"d\":\"1.2.3\","
            "\"e\":0.5,\"f\":0,\"g\":12}\n");
}

TEST(Logging, AnUploadIsOneLineOfIdsCountsAndTimes) {
  UploadSeen seen;
  seen.result = "published";
  seen.request_id = "id-1";
  seen.company_id = "a\nb";
  seen.table_name = "financials";
  seen.upload_id = "u-1";
  seen.version = 2;
  seen.rows = 4;
  seen.took(Step::compare) = std::chrono::microseconds(1500);
  EXPECT_EQ(
      upload_line(seen),
      "upload result=published id=\"id-1\" company=\"a\\x0Ab\" table=\"financials\" upload_id=u-1 version=2 "
      "bytes=0 rows=4 inserted=0 updated=0 deleted=0 findings=0 receive_ms=0.0 wait_ms=0.0 compare_ms=1.5 "
      "accept_ms=0.0 publish_ms=0.0");
}

}  // namespace
}  // namespace deltadrop::app
