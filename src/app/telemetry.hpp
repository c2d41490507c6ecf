#pragma once

#include <memory>
#include <string>

#include "core/observer.hpp"
#include "status/metrics.hpp"

namespace deltadrop::app {

/// `upload result=published request_id=... rows=4...`: ids, counts and times of an upload; no value of a
/// cell.
std::string upload_line(const UploadSeen& upload);

/// What the rooms tell: counted, and each upload logged in one line.
class Telemetry final : public Observer {
 public:
  Telemetry() : metrics_(status::make_prometheus_metrics()) {}

  void saw_upload(const UploadSeen& upload) override;
  void saw_step(Step step, std::chrono::nanoseconds took) override { metrics_->saw_step(step, took); }
  void saw_published(std::chrono::milliseconds lag) override { metrics_->saw_published(lag); }
  void saw_recorded(std::int64_t events) override { metrics_->saw_recorded(events); }
  void saw_applied(std::chrono::milliseconds lag) override { metrics_->saw_applied(lag); }
  void saw_clock(std::string_view trouble) override;

  status::Metrics& metrics() { return *metrics_; }

 private:
  std::unique_ptr<status::Metrics> metrics_;
};

}  // namespace deltadrop::app
