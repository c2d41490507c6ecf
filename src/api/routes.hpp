#pragma once

#include <functional>
#include <string>
#include <vector>

#include "consume/consumer.hpp"
#include "history/history_reader.hpp"
#include "history/history_writer.hpp"
#include "http/server.hpp"
#include "ingest/ingest.hpp"
#include "io/clock.hpp"
#include "io/clock_watch.hpp"
#include "io/time_zone.hpp"

namespace deltadrop::status {
class Metrics;
}

namespace deltadrop::api {

/// Limits of a form.
struct FormLimits {
  std::size_t parts_max = 100;
};

/// The services that the endpoints use; all outlive the server. `consumer` is null if none runs in this
/// process.
struct Services {
  ingest::Ingest& ingest;
  eventlog::EventLog& log;
  history::HistoryReader& history;
  history::HistoryWriter& dead_letters;  ///< where they are kept and retried
  consume::Consumer* consumer = nullptr;
  io::Clock& clock;
  status::Metrics* metrics = nullptr;  ///< null: /metrics is 404
  FormLimits form = {};
  io::TimeZone time_zone = {};  ///< time zone of dates without a time
  /// Returns further troubles that /health reports to an operator. May be empty.
  std::function<std::vector<std::string>()> troubles = {};
};

/// The services that a consumer's own endpoints use.
struct ConsumerServices {
  eventlog::EventLog& log;
  history::HistoryReader& history;
  history::HistoryWriter& dead_letters;  ///< where they are kept and retried
  consume::Consumer& consumer;
  io::Clock& clock;
  status::Metrics* metrics = nullptr;
  io::ClockWatch* clock_watch = nullptr;  ///< null: /health does not report the clock
};

/// Returns all endpoints of the API.
std::vector<http::Route> all_routes(const Services& services);
/// Returns the endpoints of a process that only consumes: /health, /health/live, /health/ready, /metrics, the
/// dead letters, /openapi.json and /docs.
std::vector<http::Route> consumer_routes(const ConsumerServices& services);

}  // namespace deltadrop::api
