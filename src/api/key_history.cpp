#include <functional>
#include <string>

#include "api/answers.hpp"
#include "api/paging.hpp"
#include "api/parameters.hpp"
#include "api/route_groups.hpp"

namespace deltadrop::api {
namespace {

/// Returns one change as JSON. `next` is the change after it, or null; its time is this change's valid_to.
std::string history_entry_json(const history::AppliedEvent& applied, const history::AppliedEvent* next) {
  const auto& event = applied.event;
  const auto valid_to = next == nullptr ? std::nullopt : std::optional(next->event.upload.effective_at);
  return JsonObject()
      .text("event_type", to_string(event.type))
      .texts("changed_columns", event.changed_columns)
      .text("key", event.key_value)
      .raw("values", event.new_values_json.empty() ? "null" : event.new_values_json)
      .text("valid_from", event.upload.effective_at.to_string())
      .text_or_null("valid_to", text_of(valid_to))
      .number("version", event.upload.version.value)
      .text("upload_id", event.upload.upload_id.to_string())
      .text("file_id", event.upload.file_id)
      .number("line", event.line.value)
      .text("event_id", event.event_id.to_string())
      .text("timestamp", event.upload.timestamp.to_string())
      .take();
}

Result<http::Response> key_history(const Services& services, const http::Request& request,
                                   const std::string& key) {
  DD_TRY(check_key("key", key));
  DD_TRY(auto page, Page::of(request));
  DD_TRY(const auto cursor, cursor_of(request, "history", 2));
  history::EventCursor after{AppliedNo(0), Seq(0)};
  if (cursor) {
    DD_TRY(after.applied_no.value, cursor_number(cursor->at(0)));
    DD_TRY(after.seq.value, cursor_number(cursor->at(1)));
  }
  DD_TRY(const auto table, table_of_path(request));
  // An unknown table is 404; an unknown key has an empty history.
  DD_TRY(services.ingest.reader().versions(table, Version(1), 1));
  DD_TRY(const auto changes, services.history.key_history(table, key));
  history::EventCursor last = after;
  for (std::size_t i = 0; i < changes.size(); ++i) {
    const history::EventCursor at{changes[i].applied_no, changes[i].event.seq};
    if (at <= after) continue;
    if (page.full()) {
      page.continue_at(
          make_cursor("history", {std::to_string(last.applied_no.value), std::to_string(last.seq.value)}));
      break;
    }
    page.add(history_entry_json(changes[i], i + 1 < changes.size() ? &changes[i + 1] : nullptr));
    last = at;
  }
  return page.response("history");
}

Result<http::Response> history_by_path(const Services& services, const http::Request& request) {
  DD_TRY(check_query(request, {"limit", "cursor"}));
  return key_history(services, request, request.parameters[2]);
}

/// Serves keys that do not fit into a path.
Result<http::Response> history_by_query(const Services& services, const http::Request& request) {
  DD_TRY(check_query(request, {"key", "limit", "cursor"}));
  const auto key = request.query_value("key");
  return key_history(services, request, key.value_or(""));
}

}  // namespace

void add_key_history_routes(std::vector<http::Route>& routes, const Services& services) {
  routes.push_back(handler(http::Work::history, {AllowedTo::readers, Scope::company_in_path}, "GET",
                           "/api/v1/tables/{}/{}/records/{key}/history",
                           std::bind_front(history_by_path, services)));
  routes.push_back(handler(http::Work::history, {AllowedTo::readers, Scope::company_in_path}, "GET",
                           "/api/v1/tables/{}/{}/records/history",
                           std::bind_front(history_by_query, services)));
}

}  // namespace deltadrop::api
