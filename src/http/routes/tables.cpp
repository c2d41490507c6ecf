#include "http/answers.hpp"
#include "http/parameters.hpp"
#include "http/routes/route_groups.hpp"
#include "http/table_path.hpp"

namespace deltadrop::http {
namespace {

std::string table_json(const ingest::TableRecord& table) {
  return JsonObject()
      .text("company_id", table.table.company_id)
      .text("table_name", table.table.table_name)
      .text("key_column", table.key_column)
      .number("versions", table.versions)
      .number("rows", table.last.counts.rows)
      .text_or_null("changed_at", text_of(table.changed_at))
      .raw("last_upload", upload_json(table.last).take())
      .take();
}

Result<Response> list_tables(const Services& services, const Request& request) {
  DD_TRY(check_query(request, {"limit", "cursor"}));
  DD_TRY(const auto limit, limit_of(request));
  DD_TRY(const auto cursor, cursor_of(request, "tables", 2));
  ingest::TableFilter filter;
  if (cursor) filter.after = TableRef{cursor->at(0), cursor->at(1)};
  filter.limit = limit + 1;
  DD_TRY(const auto tables, services.ingest.tables(filter));
  JsonArray items;
  std::int64_t taken = 0;
  TableRef last;
  for (const auto& table : tables) {
    if (taken == limit || items.bytes() > kPageBytesMax) {
      return list_response("tables", items, make_cursor("tables", {last.company_id, last.table_name}));
    }
    items.raw(table_json(table));
    last = table.table;
    ++taken;
  }
  return list_response("tables", items, std::nullopt);
}

Result<Response> get_table(const Services& services, const Request& request) {
  DD_TRY(check_query(request, {}));
  DD_TRY(const auto wanted, table_of_path(request));
  DD_TRY(const auto found, services.ingest.table(wanted));
  if (!found) return no_such_table(wanted);
  return json_response(table_json(*found));
}

}  // namespace

void add_table_routes(std::vector<Route>& routes, const Services& services) {
  const auto add = [&](const std::string& pattern, auto function) {
    routes.push_back(handler("GET", "/api/v1/tables" + pattern, [services, function](const Request& request) {
      return function(services, request);
    }));
  };
  add("", list_tables);
  add("/{}/{}", get_table);
}

}  // namespace deltadrop::http
