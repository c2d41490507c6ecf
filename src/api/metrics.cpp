#include "status/metrics.hpp"

#include <cmath>
#include <memory>
#include <optional>
#include <utility>

#include "api/parameters.hpp"
#include "api/route_groups.hpp"
#include "http/problem.hpp"
#include "status/checkup.hpp"

namespace deltadrop::api {
namespace {

double value_of(const std::optional<std::int64_t>& number) {
  return number ? static_cast<double>(*number) : status::kUnknown;
}

double value_of(const std::optional<bool>& is_up) {
  if (!is_up) return status::kUnknown;
  return *is_up ? 1 : 0;
}

status::Gauges gauges_of(const status::Checkup& found) {
  status::Gauges gauges;
  gauges.kafka_up = found.log ? 0 : 1;
  gauges.database_up = found.database ? 0 : 1;
  gauges.lake_up = value_of(found.lake_up);
  gauges.consumer_up = value_of(found.consumer_up);
  gauges.unapplied_uploads = value_of(found.pending);
  if (found.takes_uploads) {
    const auto& ingest = found.ingest;
    const auto& unapplied = found.unapplied;
    gauges.pending_uploads = ingest ? static_cast<double>(ingest->accepted_unpublished) : status::kUnknown;
    gauges.held_uploads = ingest ? static_cast<double>(ingest->held) : status::kUnknown;
    gauges.waiting_tables = unapplied ? static_cast<double>(unapplied->troubles.size()) : status::kUnknown;
  }
  if (found.consumer) gauges.unrecorded_messages = value_of(found.consumer->lag);
  if (!found.summary) return gauges;
  const auto& summary = *found.summary;
  gauges.applied_uploads = static_cast<double>(found.last_applied->value);
  gauges.uploads_not_in_lake = static_cast<double>(summary.uploads_not_in_lake);
  gauges.blocked_uploads = static_cast<double>(summary.blocked.size());
  gauges.dead_letters = static_cast<double>(summary.dead_letters);
  return gauges;
}

}  // namespace

void add_metrics_route(std::vector<http::Route>& routes, status::Metrics* metrics,
                       const std::shared_ptr<status::Examiner>& examiner) {
  routes.push_back(handler(http::Work::health, {AllowedTo::readers, Scope::whole_server}, "GET", "/metrics",
                           [metrics, examiner](const http::Request& request) -> Result<http::Response> {
                             DD_TRY(check_query(request, {}));
                             if (metrics == nullptr) {
                               return Error{ErrorCode::not_found, "no-such-path", "nothing is counted here",
                                            "GET / lists what there is"};
                             }
                             http::Response response;
                             response.content_type = "text/plain; version=0.0.4; charset=utf-8";
                             response.body = metrics->text(gauges_of(examiner->examine()));
                             return response;
                           }));
}

}  // namespace deltadrop::api
