#include "http/metrics.hpp"

#include <utility>

#include "http/parameters.hpp"
#include "http/problem.hpp"
#include "http/routes/route_groups.hpp"

namespace deltadrop::http {
namespace {

Gauges gauges_of(const Counted& counted) {
  Gauges gauges;
  if (counted.ingest != nullptr) {
    const auto health = counted.ingest->health();
    gauges.pending_uploads = health.accepted_unpublished;
    gauges.held_uploads = health.held;
  }
  std::optional<history::Summary> summary;
  if (counted.consumer != nullptr) {
    auto health = counted.consumer->health();
    gauges.unrecorded_messages = health.lag;
    if (!health.history) summary = std::move(health.summary);
  } else if (auto asked = counted.history.summary(); asked.has_value()) {
    summary = std::move(asked).value();
  }
  if (!summary) return gauges;
  gauges.unapplied_uploads = summary->uploads_recorded;
  gauges.uploads_not_in_lake = summary->uploads_not_in_lake;
  gauges.blocked_uploads = static_cast<std::int64_t>(summary->blocked.size());
  gauges.dead_letters = summary->dead_letters;
  return gauges;
}

Result<Response> metrics_text(const Counted& counted, const Request& request) {
  DD_TRY(check_query(request, {}));
  if (counted.metrics == nullptr) {
    return Error{ErrorCode::not_found, "no-such-path", "nothing is counted here",
                 "GET / lists what there is"};
  }
  Response response;
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  response.body = counted.metrics->text(gauges_of(counted));
  return response;
}

}  // namespace

void add_metrics_route(std::vector<Route>& routes, const Counted& counted) {
  routes.push_back(handler(Work::health, "GET", "/metrics",
                           [counted](const Request& request) { return metrics_text(counted, request); }));
}

}  // namespace deltadrop::http
