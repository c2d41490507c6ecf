#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/parameters.hpp"
#include "api/route_groups.hpp"
#include "core/json_writer.hpp"
#include "core/text.hpp"
#include "history/conflicts.hpp"
#include "http/problem.hpp"
#include "status/checkup.hpp"

namespace deltadrop::api {
namespace {

std::string repair_of(const history::UploadStatus& upload) {
  if (upload.state == history::UploadState::conflict) return history::conflict_fix(upload.facts.table);
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

constexpr std::size_t kDamagesMax = 100;

std::string damaged_json(const std::vector<ingest::Damage>& damages) {
  JsonArray list;
  for (std::size_t i = 0; i < std::min(damages.size(), kDamagesMax); ++i) {
    const auto& damage = damages[i];
    JsonObject object;
    object.text("company_id", damage.table.company_id).text("table_name", damage.table.table_name);
    damage.version ? object.number("version", damage.version->value) : object.null("version");
    list.raw(object.text("upload_id", damage.upload_id.to_string())
                 .text("file", damage.file)
                 .text("error", damage.what)
                 .text("fix", damage.fix)
                 .take());
  }
  return list.take();
}

std::string_view word_for(io::ClockState clock) {
  switch (clock) {
    case io::ClockState::right:
      return "UP";
    case io::ClockState::doubtful:
      return "DEGRADED";
    case io::ClockState::wrong:
      return "DOWN";
  }
  return "DOWN";
}

/// Returns whether the process cannot do its work: accept uploads, or else record events.
bool is_down(const status::Checkup& found) {
  if (found.takes_uploads) return found.uploads.has_value();
  return found.log || found.database || (found.consumer && found.consumer->stopped);
}

void add_number(JsonObject& object, std::string_view name, const std::optional<std::int64_t>& number) {
  number ? object.number(name, *number) : object.null(name);
}

Result<http::Response> health(status::Examiner& examiner, const http::Request& request) {
  DD_TRY(check_query(request, {}));
  const auto found = examiner.examine();
  const auto& summary = found.summary;
  const auto troubles = status::troubles_of(found);
  const bool down = is_down(found);
  const bool degraded = !troubles.empty() || (summary && !summary->blocked.empty());
  JsonObject object;
  object.text("status", down       ? "DOWN"
                        : degraded ? "DEGRADED"
                                   : "UP")
      .text("kafka", found.log ? "DOWN" : "UP")
      .text("timestamp", found.at.to_string())
      .text("database", found.database ? "DOWN" : "UP")
      .text("clock", word_for(found.clock.state));
  found.lake_up ? object.text("lake", *found.lake_up ? "UP" : "DOWN") : object.null("lake");
  add_number(object, "pending", found.pending);
  if (found.takes_uploads) {
    const auto& ingest = found.ingest;
    add_number(object, "unpublished", ingest ? std::optional(ingest->accepted_unpublished) : std::nullopt);
    add_number(object, "held", ingest ? std::optional(ingest->held) : std::nullopt);
    object.raw("damaged", ingest ? damaged_json(ingest->damaged) : "null");
  }
  add_number(object, "not_in_lake", summary ? std::optional(summary->uploads_not_in_lake) : std::nullopt);
  add_number(object, "dead_letters", summary ? std::optional(summary->dead_letters) : std::nullopt);
  add_number(object, "lag", found.consumer ? found.consumer->lag : std::nullopt);
  object.raw("blocked", summary ? blocked_json(summary->blocked) : "null")
      .texts("troubles", troubles)
      .text("version", DELTADROP_VERSION);
  auto response = json_response(object.take());
  response.tells_errors = true;
  if (down) response.status = 503;
  return response;
}

Result<http::Response> up(const http::Request& request) {
  DD_TRY(check_query(request, {}));
  return json_response(JsonObject().text("status", "UP").take());
}

}  // namespace

void add_health_routes(std::vector<http::Route>& routes, const std::shared_ptr<status::Examiner>& examiner) {
  routes.push_back(handler(http::Work::health, {AllowedTo::readers, Scope::whole_server}, "GET", "/health",
                           [examiner](const http::Request& request) { return health(*examiner, request); }));
  routes.push_back(handler(http::Work::health, {AllowedTo::any_key, Scope::no_company}, "GET",
                           "/health/ready",
                           [examiner](const http::Request& request) -> Result<http::Response> {
                             DD_TRY(examiner->takes_work());
                             return up(request);
                           }));
  routes.push_back(
      handler(http::Work::none, {AllowedTo::everyone, Scope::no_company}, "GET", "/health/live", up));
}

std::vector<http::Route> consumer_routes(const ConsumerServices& services) {
  std::vector<http::Route> routes;
  const auto examiner = std::make_shared<status::Examiner>(status::Examined{
      nullptr, services.log, services.history, &services.consumer, services.clock, {}, services.clock_watch});
  add_health_routes(routes, examiner);
  add_dead_letter_routes(routes, services.dead_letters, services.clock, Records::yes);
  add_metrics_route(routes, services.metrics, examiner);
  add_docs_routes(routes);
  return routes;
}

}  // namespace deltadrop::api
