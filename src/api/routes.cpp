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

http::Route handler(http::Work work, std::string method, std::string pattern,
                    std::function<Result<http::Response>(const http::Request&)> handle) {
  http::Route route;
  route.work = work;
  route.method = std::move(method);
  route.pattern = std::move(pattern);
  route.handle = [handle = std::move(handle)](const http::Request& request) {
    return http::answer_of(handle(request));
  };
  return route;
}

http::Route later_handler(http::Work work, std::string method, std::string pattern,
                          std::function<Result<void>(const http::Request&, http::Respond)> begin) {
  http::Route route;
  route.work = work;
  route.method = std::move(method);
  route.pattern = std::move(pattern);
  route.begin = [begin = std::move(begin)](const http::Request& request, const http::Respond& respond) {
    const auto begun = begin(request, respond);
    if (begun.has_error()) respond(http::problem(begun.error()));
  };
  return route;
}

void add_landing_route(std::vector<http::Route>& routes) {
  std::vector<std::string> endpoints = {"GET /openapi.json", "GET /docs"};
  endpoints.reserve(endpoints.size() + routes.size());
  for (const auto& route : routes) endpoints.push_back(route.method + " " + route.pattern);
  routes.push_back(handler(
      http::Work::catalog, "GET", "/", [endpoints](const http::Request& request) -> Result<http::Response> {
        return json_response(
            JsonObject()
                .text("name", "Deltadrop")
                .text("purpose", "Drop a new version of a CSV file, get its deltas.")
                .text("try", fmt::format("curl -F file=@so-financials.csv {}/upload", request.origin))
                .texts("endpoints", endpoints)
                .take());
      }));
}

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
  add_dead_letter_routes(routes, services.history, services.clock,
                         services.consumer == nullptr ? Records::no : Records::yes);
  add_admin_routes(routes, services);
  add_metrics_route(routes, services.metrics, examiner);
  add_landing_route(routes);
  add_docs_routes(routes);
  return routes;
}

}  // namespace deltadrop::api
