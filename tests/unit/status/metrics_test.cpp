#include "status/metrics.hpp"

#include <gtest/gtest.h>

#include "status/checkup.hpp"

namespace deltadrop::status {
namespace {

::testing::AssertionResult has_line(const std::string& text, const std::string& line) {
  if (("\n" + text).find("\n" + line + "\n") != std::string::npos) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << text << "\n has no line " << line;
}

TEST(Metrics, CountWhatTheyAreTold) {
  const auto metrics = make_prometheus_metrics();
  UploadSeen seen;
  seen.result = "published";
  seen.bytes = 100;
  seen.rows = 4;
  seen.inserted = 1;
  seen.updated = 2;
  metrics->saw_upload(seen);
  seen.result = "refused";
  metrics->saw_upload(seen);
  metrics->saw_step(Step::compare, std::chrono::milliseconds(20));
  metrics->saw_published(std::chrono::seconds(2));
  metrics->saw_recorded(3);
  metrics->saw_request({"GET", "/a", 200, std::chrono::milliseconds(1), "id", "/health"});
  metrics->saw_request({"BREW", "/b", 404, std::chrono::milliseconds(1), "id", ""});
  const auto text = metrics->text({});
  EXPECT_TRUE(has_line(text, "deltadrop_uploads_total{result=\"published\"} 1"));
  EXPECT_TRUE(has_line(text, "deltadrop_uploads_total{result=\"refused\"} 1"));
  EXPECT_TRUE(has_line(text, "deltadrop_uploads_total{result=\"held\"} 0"));
  EXPECT_TRUE(has_line(text, "deltadrop_upload_bytes_total 200"));
  EXPECT_TRUE(has_line(text, "deltadrop_upload_rows_total 4")) << "of accepted files";
  EXPECT_TRUE(has_line(text, "deltadrop_events_total{type=\"update\"} 2"));
  EXPECT_TRUE(has_line(text, "deltadrop_step_seconds_count{step=\"compare\"} 1"));
  EXPECT_TRUE(has_line(text, "deltadrop_step_seconds_bucket{step=\"compare\",le=\"0.05\"} 1"));
  EXPECT_TRUE(has_line(text, "deltadrop_publish_lag_seconds_count 1"));
  EXPECT_TRUE(has_line(text, "deltadrop_recorded_events_total 3"));
  EXPECT_TRUE(
      has_line(text, "deltadrop_http_requests_total{method=\"GET\",route=\"/health\",status=\"200\"} 1"));
  EXPECT_TRUE(
      has_line(text, "deltadrop_http_requests_total{method=\"other\",route=\"none\",status=\"404\"} 1"));
}

TEST(Metrics, KeepTheSeriesOfWhatIsNotKnown) {
  const auto metrics = make_prometheus_metrics();
  EXPECT_TRUE(has_line(metrics->text({}), "deltadrop_dead_letters Nan"));
  Checkup found;
  found.takes_uploads = true;
  found.ingest.emplace().held = 2;
  found.summary.emplace().dead_letters = 0;
  const auto text = metrics->text(found);
  EXPECT_TRUE(has_line(text, "deltadrop_held_uploads 2"));
  EXPECT_TRUE(has_line(text, "deltadrop_dead_letters 0"));
  EXPECT_TRUE(has_line(metrics->text({}), "deltadrop_dead_letters Nan"));
}

TEST(Metrics, LeaveOutWhatAProcessOfThisKindDoesNotHave) {
  EXPECT_EQ(make_prometheus_metrics()->text({}).find("deltadrop_held_uploads"), std::string::npos);
  EXPECT_EQ(make_prometheus_metrics()->text({}).find("deltadrop_unrecorded_messages"), std::string::npos);
  Checkup found;
  found.takes_uploads = true;
  EXPECT_TRUE(has_line(make_prometheus_metrics()->text(found), "deltadrop_held_uploads Nan"))
      << "it has them, and the catalog does not answer";
}

TEST(Metrics, PassOnWhatIsToBeLogged) {
  std::vector<std::string> seen;
  const auto metrics =
      make_prometheus_metrics({.upload = [&](const UploadSeen& upload) { seen.push_back(upload.result); },
                               .clock = [&](std::string_view trouble) { seen.emplace_back(trouble); }});
  UploadSeen upload;
  upload.result = "held";
  metrics->saw_upload(upload);
  metrics->saw_clock("it jumped");
  EXPECT_EQ(seen, (std::vector<std::string>{"held", "it jumped"}));
  EXPECT_TRUE(has_line(metrics->text({}), "deltadrop_uploads_total{result=\"held\"} 1"));
}

}  // namespace
}  // namespace deltadrop::status
