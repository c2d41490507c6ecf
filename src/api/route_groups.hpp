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

/// Each adds its endpoints; all_routes calls them all.
void add_upload_routes(std::vector<http::Route>& routes, const Services& services);   ///< sending a file
void add_uploads_routes(std::vector<http::Route>& routes, const Services& services);  ///< what became of it
void add_health_routes(std::vector<http::Route>& routes, const std::shared_ptr<status::Examiner>& examiner);
void add_table_routes(std::vector<http::Route>& routes, const Services& services);
void add_version_routes(std::vector<http::Route>& routes, const Services& services);
void add_record_routes(std::vector<http::Route>& routes, const Services& services);
void add_key_history_routes(std::vector<http::Route>& routes, const Services& services);
void add_event_routes(std::vector<http::Route>& routes, const Services& services);
void add_event_stream_route(std::vector<http::Route>& routes, const Services& services);
/// Whether this process writes to the history: who only reads it cannot retry.
enum class Records { no, yes };
void add_dead_letter_routes(std::vector<http::Route>& routes, history::HistoryWriter& history,
                            io::Clock& clock, Records records);
void add_admin_routes(std::vector<http::Route>& routes, const Services& services);  ///< for the operator
/// GET /metrics: what `metrics` has counted (null: 404), and what an examination finds.
void add_metrics_route(std::vector<http::Route>& routes, status::Metrics* metrics,
                       const std::shared_ptr<status::Examiner>& examiner);
/// /openapi.json, with what is in `routes` when this is called, and /docs, which shows it. Comes last.
void add_docs_routes(std::vector<http::Route>& routes);

/// A route whose handler may fail: the error becomes its problem.
http::Route handler(http::Work work, http::Access access, std::string method, std::string pattern,
                    std::function<Result<http::Response>(const http::Request&)> handle);
/// The same for what is answered later, where it can be begun.
http::Route later_handler(http::Work work, http::Access access, std::string method, std::string pattern,
                          std::function<Result<void>(const http::Request&, http::Respond)> begin);

}  // namespace deltadrop::api
