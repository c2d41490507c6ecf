#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "core/observer.hpp"
#include "http/access_log.hpp"

namespace deltadrop::status {

struct Checkup;

/// What to do with a report besides counting it; empty: nothing.
struct AlsoObserve {
  std::function<void(const UploadSeen&)> upload;
  std::function<void(std::string_view trouble)> clock;
};

/// Counts what the modules and the server report, for Prometheus. docs/operations.md has the names.
/// Thread-safe.
class Metrics : public Observer {
 public:
  virtual void saw_request(const http::Served& served) = 0;
  /// The Prometheus text format, 0.0.4: what was counted, and the gauges of `found`. A gauge that this kind
  /// of process never has is left out; one whose store does not answer is NaN, so that Prometheus does not
  /// take an old value for a new one.
  virtual std::string text(const Checkup& found) = 0;
};

std::unique_ptr<Metrics> make_prometheus_metrics(AlsoObserve also = {});

}  // namespace deltadrop::status
