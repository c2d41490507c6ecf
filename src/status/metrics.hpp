#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "core/observer.hpp"
#include "http/access_log.hpp"

namespace deltadrop::status {

struct Checkup;

/// Callbacks for reports in addition to counting them; either may be empty.
struct AlsoObserve {
  std::function<void(const UploadSeen&)> upload;
  std::function<void(std::string_view trouble)> clock;
};

/// Counts the reports of the modules and the server for Prometheus. docs/operations.md lists the names.
/// Thread-safe.
class Metrics : public Observer {
 public:
  virtual void saw_request(const http::Served& served) = 0;
  /// Returns the counters and the gauges of `found` in the Prometheus text format 0.0.4. Omits gauges that do
  /// not apply to this kind of process. A gauge whose store does not answer is NaN, so that Prometheus does
  /// not use an old value.
  virtual std::string text(const Checkup& found) = 0;
};

std::unique_ptr<Metrics> make_prometheus_metrics(AlsoObserve also = {});

}  // namespace deltadrop::status
