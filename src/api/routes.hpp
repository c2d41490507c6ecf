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

/// What a form may hold.
struct FormLimits {
  std::size_t parts_max = 100;
};

/// What the endpoints work on; all outlive the server. `consumer` is null where none runs in this process.
struct Services {
  ingest::Ingest& ingest;
  eventlog::EventLog& log;
  history::HistoryReader& history;
  history::HistoryWriter& dead_letters;  ///< where they are kept and retried
  consume::Consumer* consumer = nullptr;
  io::Clock& clock;
  status::Metrics* metrics = nullptr;  ///< null: /metrics is 404
  FormLimits form = {};
  io::TimeZone time_zone = {};  ///< of dates without a time
  /// What else a person must look at, for /health; empty: nothing.
  std::function<std::vector<std::string>()> troubles = {};
};

/// What a consumer's own endpoints work on.
struct ConsumerServices {
  eventlog::EventLog& log;
  history::HistoryReader& history;
  history::HistoryWriter& dead_letters;  ///< where they are kept and retried
  consume::Consumer& consumer;
  io::Clock& clock;
  status::Metrics* metrics = nullptr;
  io::ClockWatch* clock_watch = nullptr;  ///< null: /health says nothing of the clock
};

/// Every endpoint of the API.
std::vector<http::Route> all_routes(const Services& services);
/// Of a process that only consumes: /health, /health/live, /health/ready, /metrics, the dead letters, and
/// /docs.
std::vector<http::Route> consumer_routes(const ConsumerServices& services);

}  // namespace deltadrop::api
