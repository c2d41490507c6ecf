#include <utility>

#include "core/text.hpp"
#include "http/answers.hpp"
#include "http/parameters.hpp"
#include "http/problem.hpp"
#include "http/routes/route_groups.hpp"

namespace deltadrop::http {
namespace {

/// Events are fetched in batches, so that a page of the largest ones stops at its bytes and not at its count.
constexpr std::int64_t kBatch = 100;

std::string event_cursor(const history::EventCursor& at) {
  return make_cursor("events", {std::to_string(at.applied_no.value), std::to_string(at.seq.value)});
}

Result<history::EventQuery> event_query(const Request& request) {
  DD_TRY(check_query(request, {"company", "table", "type", "key", "upload", "limit", "cursor"}));
  history::EventQuery query;
  DD_TRY(query.company_id, name_filter(request, "company"));
  DD_TRY(query.table_name, name_filter(request, "table"));
  query.key_value = request.query_value("key");
  if (query.key_value) {
    DD_TRY(check_key("key", *query.key_value));
  }
  if (const auto type = request.query_value("type")) {
    query.type = parse_change_type(*type);
    if (!query.type) return bad_parameter("type", *type, "insert, update or delete");
  }
  if (const auto upload = request.query_value("upload")) {
    DD_TRY(query.upload_id, parse_upload_id("upload", *upload));
  }
  DD_TRY(const auto cursor, cursor_of(request, "events", 2));
  if (cursor) {
    history::EventCursor after;
    DD_TRY(after.applied_no.value, cursor_number(cursor->at(0)));
    DD_TRY(after.seq.value, cursor_number(cursor->at(1)));
    query.after = after;
  }
  return query;
}

/// `next_cursor` is null when there is nothing more now. `resume_cursor` always stands behind the page's last
/// event: a client that follows the events goes on with it later.
Result<Response> list_events(const Services& services, const Request& request) {
  DD_TRY(auto query, event_query(request));
  DD_TRY(const auto limit, limit_of(request));
  JsonArray items;
  std::int64_t taken = 0;
  bool more = false;
  std::string json;
  for (bool done = false; !done;) {
    query.limit = std::min(kBatch, limit - taken) + 1;  // one more tells whether there is a next page
    DD_TRY(const auto batch, services.history.events(query));
    done = static_cast<std::int64_t>(batch.size()) < query.limit;
    for (const auto& [applied_no, event] : batch) {
      if (taken == limit || items.bytes() > kPageBytesMax) {
        more = true;
        done = true;
        break;
      }
      json.clear();
      append_event_json(json, event);
      items.raw(json);
      ++taken;
      query.after = history::EventCursor{applied_no, event.seq};
    }
  }
  const auto position = query.after ? std::optional(event_cursor(*query.after)) : std::nullopt;
  return json_response(JsonObject()
                           .raw("events", items.take())
                           .text_or_null("next_cursor", more ? position : std::nullopt)
                           .text_or_null("resume_cursor", position)
                           .take());
}

}  // namespace

void add_event_routes(std::vector<Route>& routes, const Services& services) {
  routes.push_back(handler("GET", "/api/v1/events",
                           [services](const Request& request) { return list_events(services, request); }));
}

}  // namespace deltadrop::http
