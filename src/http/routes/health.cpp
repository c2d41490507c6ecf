#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <set>
#include <utility>

#include "http/answers.hpp"
#include "http/parameters.hpp"
#include "http/problem.hpp"
#include "http/routes/route_groups.hpp"
#include "http/table_path.hpp"

namespace deltadrop::http {
namespace {

constexpr std::chrono::milliseconds kLogProbe{2000};

constexpr std::size_t kProbeBytes = 4096;

/// Whether an upload would be taken now: the catalog answers, and the spool takes a file with something in
/// it.
Result<void> takes_uploads(ingest::Ingest& ingest) {
  ingest::UploadFilter newest;
  newest.limit = 1;
  DD_TRY(ingest.uploads(newest));
  DD_TRY(const auto probe, ingest.receive());
  const std::vector<std::byte> block(kProbeBytes);
  return probe->write(block);
}

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

/// What is looked at. A process that takes no uploads has no `ingest`, one that does not consume no
/// `consumer`.
struct Parts {
  ingest::Ingest* ingest;
  eventlog::EventLog& log;
  history::HistoryStore& history;
  consume::Consumer* consumer;
  io::Clock& clock;
};

constexpr std::int64_t kAppliedWithinMs = 60'000;

/// Accepted versions that are not applied, whether the history knows of them or not.
struct Unapplied {
  std::int64_t versions = 0;
  std::vector<std::string> troubles;  ///< published for longer than an upload should wait
};

/// Whether each of these versions is applied: one question to the history for all.
Result<std::vector<bool>> are_applied(history::HistoryStore& history,
                                      const std::vector<ingest::UploadRecord>& versions) {
  std::set<UploadId> asked;
  for (const auto& version : versions) {
    if (const auto carrier = carrier_of(version)) asked.insert(*carrier);
  }
  DD_TRY(const auto applied, history.applied_among(asked));
  std::vector<bool> answers;
  answers.reserve(versions.size());
  for (const auto& version : versions) {
    const auto carrier = carrier_of(version);
    answers.push_back(!carrier || applied.contains(*carrier));
  }
  return answers;
}

/// A table whose last version is not applied. Its versions are applied in order: the first that is not is
/// found by halving.
struct Waiting {
  ingest::UploadRecord first;  ///< not applied; the first one once nothing is between `applied` and it
  std::int64_t applied = 0;
  std::int64_t last = 0;

  [[nodiscard]] bool found() const { return first.version->value - applied <= 1; }
  [[nodiscard]] Version middle() const { return Version(applied + (first.version->value - applied) / 2); }
};

Result<std::vector<Waiting>> waiting_tables(ingest::Ingest& ingest, history::HistoryStore& history) {
  DD_TRY(auto tables, ingest.tables());
  std::vector<ingest::UploadRecord> lasts;
  lasts.reserve(tables.size());
  for (auto& table : tables) lasts.push_back(std::move(table.last));
  DD_TRY(const auto applied, are_applied(history, lasts));
  std::vector<Waiting> waiting;
  for (std::size_t i = 0; i < lasts.size(); ++i) {
    const auto version = lasts[i].version->value;
    if (!applied[i]) waiting.push_back({std::move(lasts[i]), 0, version});
  }
  return waiting;
}

/// All tables are halved at once, so that the history is asked as often as for the longest of them.
Result<void> find_first_unapplied(ingest::Ingest& ingest, history::HistoryStore& history,
                                  std::vector<Waiting>& waiting) {
  while (true) {
    std::vector<Waiting*> open;
    std::vector<ingest::UploadRecord> middles;
    for (auto& table : waiting) {
      if (table.found()) continue;
      DD_TRY(auto middle, version_of(ingest, table.first.table, table.middle()));
      open.push_back(&table);
      middles.push_back(std::move(middle));
    }
    if (open.empty()) return success();
    DD_TRY(const auto applied, are_applied(history, middles));
    for (std::size_t i = 0; i < open.size(); ++i) {
      if (applied[i]) {
        open[i]->applied = middles[i].version->value;
      } else {
        open[i]->first = std::move(middles[i]);
      }
    }
  }
}

bool is_among(const std::vector<history::UploadStatus>& blocked, const UploadId& id) {
  return std::any_of(blocked.begin(), blocked.end(),
                     [&](const auto& each) { return each.facts.upload_id == id; });
}

/// What is `blocked` is counted, but has a trouble and a repair of its own.
Result<Unapplied> find_unapplied(ingest::Ingest& ingest, history::HistoryStore& history,
                                 const std::vector<history::UploadStatus>& blocked, Timestamp now) {
  Unapplied found;
  DD_TRY(auto waiting, waiting_tables(ingest, history));
  DD_TRY(find_first_unapplied(ingest, history, waiting));
  for (const auto& table : waiting) {
    const auto& upload = table.first;
    const auto first = upload.version->value;
    found.versions += table.last - first + 1;
    if (is_among(blocked, upload.upload_id)) continue;
    if (!upload.published_at || now.unix_ms - upload.published_at->unix_ms < kAppliedWithinMs) continue;
    found.troubles.push_back(fmt::format(
        "version {0} of {1} (upload {2}) was published at {3} and is not applied; if it stays so, the log or "
        "the history lost it: run `deltadrop republish {4} {5} --from-version {0}`",
        first, upload.table.to_string(), upload.upload_id.to_string(), upload.published_at->to_string(),
        upload.table.company_id, upload.table.table_name));
  }
  return found;
}

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
  if (parts.ingest != nullptr) {
    found.uploads = error_of(takes_uploads(*parts.ingest));
    found.ingest = parts.ingest->health();
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
  if (parts.ingest != nullptr && !found.uploads && !found.database) {
    const auto blocked = found.summary.value_or(history::Summary{}).blocked;
    auto unapplied = find_unapplied(*parts.ingest, parts.history, blocked, parts.clock.now());
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
  if (parts.ingest != nullptr) return found.uploads.has_value();
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
  if (parts.ingest != nullptr) {
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
  if (parts.ingest != nullptr) return takes_uploads(*parts.ingest);
  if (const auto stopped = parts.consumer->stopped()) return *stopped;
  DD_TRY(parts.log.health(kLogProbe));
  return parts.history.health();
}

void add_routes(std::vector<Route>& routes, const Parts& parts) {
  routes.push_back(
      handler("GET", "/health", [parts](const Request& request) { return health(parts, request); }));
  routes.push_back(handler("GET", "/health/ready", [parts](const Request& request) -> Result<Response> {
    DD_TRY(takes_work(parts));
    return up(request);
  }));
  routes.push_back(handler("GET", "/health/live", up));
}

}  // namespace

void add_health_routes(std::vector<Route>& routes, const Services& services) {
  add_routes(routes, {&services.ingest, services.log, services.history, services.consumer, services.clock});
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
