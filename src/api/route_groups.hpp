#pragma once

#include <memory>
#include <vector>

#include "api/routes.hpp"

namespace deltadrop::status {
class Examiner;
}

namespace deltadrop::api {

using http::AllowedTo;
using http::Scope;

/// Each function adds its endpoints; all_routes calls them all.
void add_upload_routes(std::vector<http::Route>& routes, const Services& services);   ///< sends a file
void add_uploads_routes(std::vector<http::Route>& routes, const Services& services);  ///< the uploads
void add_health_routes(std::vector<http::Route>& routes, const std::shared_ptr<status::Examiner>& examiner);
void add_table_routes(std::vector<http::Route>& routes, const Services& services);
void add_version_routes(std::vector<http::Route>& routes, const Services& services);
void add_record_routes(std::vector<http::Route>& routes, const Services& services);
void add_key_history_routes(std::vector<http::Route>& routes, const Services& services);
void add_event_routes(std::vector<http::Route>& routes, const Services& services);
void add_event_stream_route(std::vector<http::Route>& routes, const Services& services);
/// Whether this process writes to the history. Only such a process can retry dead letters.
enum class Records { no, yes };
void add_dead_letter_routes(std::vector<http::Route>& routes, history::HistoryWriter& history,
                            io::Clock& clock, Records records);
void add_admin_routes(std::vector<http::Route>& routes, const Services& services);  ///< for the operator
/// Adds GET /metrics, which returns the counters of `metrics` and the results of an examination. If `metrics`
/// is null, it returns 404.
void add_metrics_route(std::vector<http::Route>& routes, status::Metrics* metrics,
                       const std::shared_ptr<status::Examiner>& examiner);
/// Adds /openapi.json, which describes the `routes` at the time of this call, and /docs, which displays it.
/// Must be called last.
void add_docs_routes(std::vector<http::Route>& routes);

/// Returns a route whose handler may fail. An error becomes a problem response.
http::Route handler(http::Work work, http::Access access, std::string method, std::string pattern,
                    std::function<Result<http::Response>(const http::Request&)> handle);
/// Returns a route whose handler responds later. An error of `begin` becomes a problem response.
http::Route later_handler(http::Work work, http::Access access, std::string method, std::string pattern,
                          std::function<Result<void>(const http::Request&, http::Respond)> begin);

}  // namespace deltadrop::api
