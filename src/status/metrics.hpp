#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>

#include "core/observer.hpp"
#include "http/access_log.hpp"

namespace deltadrop::status {

/// A gauge whose store does not answer: the series stays, and Prometheus does not take an old value for a new
/// one.
inline constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

/// What is true now, asked for each time somebody wants to read the metrics: a number, or kUnknown. A gauge
/// that this kind of process never has is absent.
struct Gauges {
  double kafka_up = kUnknown;  ///< of these four: 1 or 0
  double database_up = kUnknown;
  double lake_up = kUnknown;
  double consumer_up = kUnknown;
  double unapplied_uploads = kUnknown;    ///< `pending` of /health
  double applied_uploads = kUnknown;      ///< ever
  double uploads_not_in_lake = kUnknown;  ///< applied
  double blocked_uploads = kUnknown;
  double dead_letters = kUnknown;
  std::optional<double> pending_uploads;  ///< accepted, not in the log
  std::optional<double> held_uploads;
  std::optional<double> waiting_tables;       ///< whose next upload was published over a minute ago
  std::optional<double> unrecorded_messages;  ///< the consumer's lag
};

/// Counts what the rooms and the server tell, for Prometheus. docs/operations.md has the names. Thread-safe.
class Metrics : public Observer {
 public:
  virtual void saw_request(const http::Served& served) = 0;
  /// The Prometheus text format, 0.0.4.
  virtual std::string text(const Gauges& gauges) = 0;
};

std::unique_ptr<Metrics> make_prometheus_metrics();

}  // namespace deltadrop::status
