#include <fmt/format.h>

#include <functional>
#include <string>

#include "api/parameters.hpp"
#include "api/route_groups.hpp"
#include "core/json_writer.hpp"
#include "http/problem.hpp"

namespace deltadrop::api {
namespace {

bool is_loopback(const std::string& address) {
  return address == "::1" || address.starts_with("127.") || address.starts_with("::ffff:127.");
}

/// Returns one request for each table if the query filters by company or table, otherwise one for everything.
Result<std::vector<ingest::RepublishRequest>> republish_requests(ingest::ArchiveReader& reader,
                                                                 const http::Request& request) {
  DD_TRY(check_query(request, {"company", "table", "from_version"}));
  DD_TRY(const auto company, name_filter(request, "company"));
  DD_TRY(const auto table, name_filter(request, "table"));
  ingest::RepublishRequest wanted;
  if (const auto from = request.query_value("from_version")) {
    DD_TRY(const auto version, parse_positive("from_version", *from));
    wanted.from = Version(version);
  }
  if (company && table) {
    DD_TRY(wanted.table, TableRef::make(*company, *table));
  }
  std::vector<ingest::RepublishRequest> requests;
  if (company.has_value() == table.has_value()) {
    requests.push_back(wanted);
    return requests;
  }
  DD_TRY(const auto tables, reader.tables());
  for (const auto& known : tables) {
    if (company && known.table.company_id != *company) continue;
    if (table && known.table.table_name != *table) continue;
    if (known.last.version < wanted.from) continue;
    wanted.table = known.table;
    requests.push_back(wanted);
  }
  return requests;
}

Result<void> check_local(const http::Request& request, const std::string& command) {
  if (is_loopback(request.remote_address)) return success();
  return Error{ErrorCode::not_found, "no-such-path", "this is answered on the server's own machine only",
               fmt::format("run `deltadrop {}` there", command)};
}

/// Republishing is harmless but makes every consumer work, so only local clients may request it.
Result<http::Response> republish(const Services& services, const http::Request& request) {
  DD_TRY(check_local(request, "republish"));
  DD_TRY(const auto requests, republish_requests(services.ingest.reader(), request));
  ingest::RepublishReport report;
  for (const auto& wanted : requests) {
    DD_TRY(const auto marked, services.ingest.publications().republish(wanted));
    report.tables += marked.tables;
    report.uploads += marked.uploads;
  }
  auto response =
      json_response(JsonObject().number("tables", report.tables).number("uploads", report.uploads).take());
  response.status = 202;
  return response;
}

http::Response clock_response(const io::ClockReport& report) {
  const bool plausible = report.state != io::ClockState::wrong;
  JsonObject object;
  object.boolean("plausible", plausible)
      .text("now", report.now.to_string())
      .text("expected", report.expected.to_string())
      .number("jump_ms", report.jump.count())
      .number("newest_version_ahead_ms", report.newest_ahead.count())
      .text_or_null("trouble", report.trouble ? std::optional(report.trouble->text()) : std::nullopt);
  return json_response(object.take());
}

Result<http::Response> show_clock(const Services& services, const http::Request& request) {
  DD_TRY(check_query(request, {}));
  return clock_response(services.ingest.health().clock);
}

/// Versions get their timestamps from the clock, so only local clients may accept it.
Result<http::Response> accept_clock(const Services& services, const http::Request& request) {
  DD_TRY(check_local(request, "clock accept"));
  DD_TRY(check_query(request, {}));
  DD_TRY(const auto report, services.ingest.accept_clock());
  return clock_response(report);
}

}  // namespace

void add_admin_routes(std::vector<http::Route>& routes, const Services& services) {
  routes.push_back(handler(http::Work::change, {AllowedTo::operators, Scope::whole_server}, "POST",
                           "/api/v1/republish", std::bind_front(republish, services)));
  routes.push_back(handler(http::Work::catalog, {AllowedTo::readers, Scope::whole_server}, "GET",
                           "/api/v1/clock", std::bind_front(show_clock, services)));
  routes.push_back(handler(http::Work::change, {AllowedTo::operators, Scope::whole_server}, "POST",
                           "/api/v1/clock/accept", std::bind_front(accept_clock, services)));
}

}  // namespace deltadrop::api
