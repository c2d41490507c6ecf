#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "core/observer.hpp"
#include "http/access_log.hpp"

namespace deltadrop::http {

/// What is true now, asked for each time somebody wants to read the metrics. What is not known is left out.
struct Gauges {
  std::optional<std::int64_t> pending_uploads;  ///< accepted, not in the log
  std::optional<std::int64_t> held_uploads;
  std::optional<std::int64_t> unapplied_uploads;    ///< recorded, not applied
  std::optional<std::int64_t> uploads_not_in_lake;  ///< applied
  std::optional<std::int64_t> blocked_uploads;
  std::optional<std::int64_t> dead_letters;
  std::optional<std::int64_t> unrecorded_messages;  ///< the consumer's lag
};

/// Counts what the rooms and the server tell, for Prometheus. docs/operations.md has the names. Thread-safe.
class Metrics : public Observer {
 public:
  virtual void saw_request(const Served& served) = 0;
  /// The Prometheus text format, 0.0.4.
  virtual std::string text(const Gauges& gauges) = 0;
};

std::unique_ptr<Metrics> make_prometheus_metrics();

}  // namespace deltadrop::http
