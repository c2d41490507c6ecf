#include "http/json_writer.hpp"
#include "http/parameters.hpp"
#include "http/problem.hpp"
#include "http/routes/route_groups.hpp"

namespace deltadrop::http {
namespace {

bool is_loopback(const std::string& address) {
  return address == "::1" || address.starts_with("127.") || address.starts_with("::ffff:127.");
}

Result<ingest::RepublishRequest> republish_request(const Request& request) {
  DD_TRY(check_query(request, {"company", "table", "from_version"}));
  ingest::RepublishRequest wanted;
  const auto company = request.query_value("company");
  const auto table = request.query_value("table");
  if (company.has_value() != table.has_value()) {
    return Error{ErrorCode::invalid_input, "bad-parameter", "company and table come together",
                 "name both, or neither for every table"};
  }
  if (company) {
    DD_TRY(wanted.table, TableRef::make(*company, *table));
  }
  if (const auto from = request.query_value("from_version")) {
    DD_TRY(const auto version, parse_positive("from_version", *from));
    wanted.from = Version(version);
  }
  return wanted;
}

/// Harmless for the data, but work for everybody behind the log: only for who is on this machine.
Result<Response> republish(const Services& services, const Request& request) {
  if (!is_loopback(request.remote_address)) {
    return Error{ErrorCode::not_found, "no-such-path", "this is answered on the server's own machine only",
                 "run `deltadrop republish` there"};
  }
  DD_TRY(const auto wanted, republish_request(request));
  DD_TRY(const auto report, services.ingest.republish(wanted));
  auto response =
      json_response(JsonObject().number("tables", report.tables).number("uploads", report.uploads).take());
  response.status = 202;
  return response;
}

}  // namespace

void add_admin_routes(std::vector<Route>& routes, const Services& services) {
  routes.push_back(handler("POST", "/api/v1/republish",
                           [services](const Request& request) { return republish(services, request); }));
}

}  // namespace deltadrop::http
