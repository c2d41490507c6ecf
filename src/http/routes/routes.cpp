#include "http/routes.hpp"

#include <fmt/format.h>

#include <memory>
#include <utility>

#include "http/checkup.hpp"
#include "http/json_writer.hpp"
#include "http/parameters.hpp"
#include "http/problem.hpp"
#include "http/routes/route_groups.hpp"

namespace deltadrop::http {

Route handler(Work work, std::string method, std::string pattern,
              std::function<Result<Response>(const Request&)> handle) {
  Route route;
  route.work = work;
  route.method = std::move(method);
  route.pattern = std::move(pattern);
  route.handle = [handle = std::move(handle)](const Request& request) { return answer_of(handle(request)); };
  return route;
}

Route later_handler(Work work, std::string method, std::string pattern,
                    std::function<Result<void>(const Request&, Respond)> begin) {
  Route route;
  route.work = work;
  route.method = std::move(method);
  route.pattern = std::move(pattern);
  route.begin = [begin = std::move(begin)](const Request& request, const Respond& respond) {
    const auto begun = begin(request, respond);
    if (begun.has_error()) respond(problem(begun.error()));
  };
  return route;
}

void add_landing_route(std::vector<Route>& routes) {
  std::vector<std::string> endpoints = {"GET /openapi.json", "GET /docs"};
  endpoints.reserve(endpoints.size() + routes.size());
  for (const auto& route : routes) endpoints.push_back(route.method + " " + route.pattern);
  routes.push_back(
      handler(Work::catalog, "GET", "/", [endpoints](const Request& request) -> Result<Response> {
        return json_response(
            JsonObject()
                .text("name", "Deltadrop")
                .text("purpose", "Drop a new version of a CSV file, get its deltas.")
                .text("try", fmt::format("curl -F file=@so-financials.csv {}/upload", request.origin))
                .texts("endpoints", endpoints)
                .take());
      }));
}

std::vector<Route> all_routes(const Services& services) {
  std::vector<Route> routes;
  add_upload_routes(routes, services);
  const auto examiner =
      std::make_shared<Examiner>(Examined{&services.ingest, services.log, services.history, services.consumer,
                                          services.clock, services.troubles});
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

}  // namespace deltadrop::http
