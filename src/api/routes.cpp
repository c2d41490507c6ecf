#include "api/routes.hpp"

#include <fmt/format.h>

#include <memory>
#include <utility>

#include "api/parameters.hpp"
#include "api/route_groups.hpp"
#include "core/json_writer.hpp"
#include "http/problem.hpp"
#include "status/checkup.hpp"

namespace deltadrop::api {

http::Route handler(http::Work work, http::Access access, std::string method, std::string pattern,
                    std::function<Result<http::Response>(const http::Request&)> handle) {
  http::Route route{std::move(method), std::move(pattern), access, work};
  route.handle = [handle = std::move(handle)](const http::Request& request) {
    return http::answer_of(handle(request));
  };
  return route;
}

http::Route later_handler(http::Work work, http::Access access, std::string method, std::string pattern,
                          std::function<Result<void>(const http::Request&, http::Respond)> begin) {
  http::Route route{std::move(method), std::move(pattern), access, work};
  route.begin = [begin = std::move(begin)](const http::Request& request, const http::Respond& respond) {
    const auto begun = begin(request, respond);
    if (begun.has_error()) respond(http::problem(begun.error()));
  };
  return route;
}

namespace {

using Endpoints = std::shared_ptr<std::vector<std::string>>;

/// Adds GET /, which lists `endpoints`. The caller fills them in after it has added all routes.
void add_landing_route(std::vector<http::Route>& routes, const Endpoints& endpoints) {
  const auto land = [endpoints](const http::Request& request) -> Result<http::Response> {
    return json_response(
        JsonObject()
            .text("name", "Deltadrop")
            .text("purpose", "Drop a new version of a CSV file, get its deltas.")
            .text("try", fmt::format("curl -F file=@so-financials.csv {}/upload", request.origin))
            .texts("endpoints", *endpoints)
            .take());
  };
  routes.push_back(handler(http::Work::catalog, {AllowedTo::any_key, Scope::no_company}, "GET", "/", land));
}

}  // namespace

std::vector<http::Route> all_routes(const Services& services) {
  std::vector<http::Route> routes;
  add_upload_routes(routes, services);
  const auto examiner = std::make_shared<status::Examiner>(
      status::Examined{&services.ingest, services.log, services.history, services.consumer, services.clock,
                       services.troubles});
  add_health_routes(routes, examiner);
  add_uploads_routes(routes, services);
  add_table_routes(routes, services);
  add_version_routes(routes, services);
  add_record_routes(routes, services);
  add_key_history_routes(routes, services);
  add_event_routes(routes, services);
  add_event_stream_route(routes, services);
  add_dead_letter_routes(routes, services.dead_letters, services.clock,
                         services.consumer == nullptr ? Records::no : Records::yes);
  add_admin_routes(routes, services);
  add_metrics_route(routes, services.metrics, examiner);
  const auto endpoints = std::make_shared<std::vector<std::string>>();
  add_landing_route(routes, endpoints);
  add_docs_routes(routes);
  for (const auto& route : routes) endpoints->push_back(route.method + " " + route.pattern);
  return routes;
}

}  // namespace deltadrop::api
