#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>

#include "http/json_writer.hpp"
#include "http/parameters.hpp"
#include "http/problem.hpp"
#include "http/routes/route_groups.hpp"
#include "http/unapplied.hpp"
#include "http/uploads_probe.hpp"

namespace deltadrop::http {
namespace {

constexpr std::chrono::milliseconds kLogProbe{2000};

std::string repair_of(const history::UploadStatus& upload) {
  if (upload.state == history::UploadState::conflict) {
    return "two histories of one table met, and sending again cannot part them: with an empty database, a "
           "new "
           "KAFKA_TOPIC (`dev`: with log.db and history.db moved away) and an empty PARQUET_DIR, run "
           "`deltadrop "
           "republish`";
  }
  return fmt::format(
      "remove the reason, then run `deltadrop republish {} {} --from-version {}` or `deltadrop dead-letters "
      "retry --all`",
      upload.facts.table.company_id, upload.facts.table.table_name, upload.facts.version.value);
}

std::string blocked_json(const std::vector<history::UploadStatus>& blocked) {
  JsonArray list;
  for (const auto& upload : blocked) {
    list.raw(JsonObject()
                 .text("company_id", upload.facts.table.company_id)
                 .text("table_name", upload.facts.table.table_name)
                 .text("upload_id", upload.facts.upload_id.to_string())
                 .text("state", history::to_string(upload.state))
                 .text("error", upload.error)
                 .text("fix", repair_of(upload))
                 .take());
  }
  return list.take();
}

/// What a process that takes uploads is asked about them, at a cost that does not depend on how many tables
/// or callers there are.
struct Uploads {
  Uploads(ingest::Ingest& engine, history::HistoryStore& history, io::Clock& clock)
      : ingest(engine), probe(engine, clock), unapplied(engine, history, clock) {}

  ingest::Ingest& ingest;
  UploadsProbe probe;
  UnappliedWatch unapplied;
};

/// What is looked at. A process that takes no uploads has no `uploads`, one that does not consume no
/// `consumer`.
struct Parts {
  std::shared_ptr<Uploads> uploads;
  eventlog::EventLog& log;
  history::HistoryStore& history;
  consume::Consumer* consumer;
  io::Clock& clock;
};

/// Everything that is looked at, before it is judged.
struct Checkup {
  std::optional<Error> uploads;  ///< why none can be taken
  std::optional<Error> log;
  std::optional<Error> database;
  ingest::Health ingest;
  std::optional<consume::Health> consumer;
  std::optional<history::Summary> summary;
  Unapplied unapplied;
};

template <class T>
std::optional<Error> error_of(const Result<T>& result) {
  return result.has_error() ? std::optional(result.error()) : std::nullopt;
}

Checkup examine(const Parts& parts) {
  Checkup found;
  if (parts.uploads != nullptr) {
    found.uploads = error_of(parts.uploads->probe.look());
    found.ingest = parts.uploads->ingest.health();
  }
  found.log = error_of(parts.log.health(kLogProbe));
  if (!found.log) found.log = found.ingest.log;
  found.database = error_of(parts.history.health());
  if (parts.consumer != nullptr) {
    found.consumer = parts.consumer->health();
    // The database may answer and still take nothing: rights, a read-only server.
    auto& written = found.consumer->history;
    if (!found.database && written && written->code == ErrorCode::unavailable) {
      found.database = std::exchange(written, std::nullopt);
    }
    found.summary = found.consumer->summary;
  } else if (!found.database) {
    auto summary = parts.history.summary();
    if (summary.has_value()) found.summary = std::move(summary).value();
  }
  if (parts.uploads != nullptr && found.database) parts.uploads->unapplied.forget();
  if (parts.uploads != nullptr && !found.uploads && !found.database) {
    const auto blocked = found.summary.value_or(history::Summary{}).blocked;
    auto unapplied = parts.uploads->unapplied.look(blocked);
    if (unapplied.has_value()) found.unapplied = std::move(unapplied).value();
  }
  return found;
}

std::vector<std::string> troubles_of(const Checkup& found) {
  std::vector<std::string> texts;
  const auto add = [&texts](std::string_view what, const std::optional<Error>& error) {
    if (error) texts.push_back(fmt::format("{}: {}", what, error->text()));
  };
  add("uploads", found.uploads);
  add("log", found.log);
  add("database", found.database);
  if (found.consumer) {
    add("consumer", found.consumer->stopped);
    add("consumer reading the log", found.consumer->log);
    add("consumer writing the history", found.consumer->history);
    add("lake", found.consumer->lake);
    texts.insert(texts.end(), found.consumer->waiting.begin(), found.consumer->waiting.end());
  }
  texts.insert(texts.end(), found.unapplied.troubles.begin(), found.unapplied.troubles.end());
  return texts;
}

/// Whether the process cannot do what it is there for: take uploads, or else record events.
bool is_down(const Parts& parts, const Checkup& found) {
  if (parts.uploads != nullptr) return found.uploads.has_value();
  return found.log || found.database || (found.consumer && found.consumer->stopped);
}

Result<Response> health(const Parts& parts, const Request& request) {
  DD_TRY(check_query(request, {}));
  const auto found = examine(parts);
  const auto troubles = troubles_of(found);
  const history::Summary summary = found.summary.value_or(history::Summary{});
  const bool down = is_down(parts, found);
  const bool degraded = !troubles.empty() || !summary.blocked.empty();
  JsonObject object;
  object.text("status", down       ? "DOWN"
                        : degraded ? "DEGRADED"
                                   : "UP")
      .text("kafka", found.log ? "DOWN" : "UP")
      .text("timestamp", parts.clock.now().to_string())
      .text("database", found.database ? "DOWN" : "UP")
      .number("pending", std::max(found.ingest.accepted_unpublished + summary.uploads_recorded,
                                  found.unapplied.versions));
  if (parts.uploads != nullptr) {
    object.number("unpublished", found.ingest.accepted_unpublished).number("held", found.ingest.held);
  }
  object.number("not_in_lake", summary.uploads_not_in_lake).number("dead_letters", summary.dead_letters);
  const auto lag = found.consumer ? found.consumer->lag : std::nullopt;
  lag ? object.number("lag", *lag) : object.null("lag");
  object.raw("blocked", blocked_json(summary.blocked))
      .texts("troubles", troubles)
      .text("version", DELTADROP_VERSION);
  auto response = json_response(object.take());
  if (down) response.status = 503;
  return response;
}

Result<Response> up(const Request& request) {
  DD_TRY(check_query(request, {}));
  return json_response(JsonObject().text("status", "UP").take());
}

Result<void> takes_work(const Parts& parts) {
  if (parts.uploads != nullptr) return parts.uploads->probe.look();
  if (const auto stopped = parts.consumer->stopped()) return *stopped;
  DD_TRY(parts.log.health(kLogProbe));
  return parts.history.health();
}

void add_routes(std::vector<Route>& routes, const Parts& parts) {
  routes.push_back(handler(Work::health, "GET", "/health",
                           [parts](const Request& request) { return health(parts, request); }));
  routes.push_back(
      handler(Work::health, "GET", "/health/ready", [parts](const Request& request) -> Result<Response> {
        DD_TRY(takes_work(parts));
        return up(request);
      }));
  routes.push_back(handler(Work::none, "GET", "/health/live", up));
}

}  // namespace

void add_health_routes(std::vector<Route>& routes, const Services& services) {
  add_routes(routes, {std::make_shared<Uploads>(services.ingest, services.history, services.clock),
                      services.log, services.history, services.consumer, services.clock});
}

std::vector<Route> consumer_routes(const ConsumerServices& services) {
  std::vector<Route> routes;
  add_routes(routes, {nullptr, services.log, services.history, &services.consumer, services.clock});
  add_dead_letter_routes(routes, services.history, services.clock, Records::yes);
  add_metrics_route(routes, {services.metrics, nullptr, services.history, &services.consumer});
  add_docs_routes(routes);
  return routes;
}

}  // namespace deltadrop::http
