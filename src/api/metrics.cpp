#include "status/metrics.hpp"

#include <memory>

#include "api/parameters.hpp"
#include "api/route_groups.hpp"
#include "http/problem.hpp"
#include "status/checkup.hpp"

namespace deltadrop::api {
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
                             response.body = metrics->text(examiner->examine());
                             return response;
                           }));
}

}  // namespace deltadrop::api
