#include <functional>

#include "api/answers.hpp"
#include "api/paging.hpp"
#include "api/parameters.hpp"
#include "api/route_groups.hpp"
#include "ingest/types_json.hpp"

namespace deltadrop::api {
namespace {

JsonObject table_json(const ingest::TableRecord& table) {
  JsonObject object;
  object.text("company_id", table.table.company_id)
      .text("table_name", table.table.table_name)
      .text("key_column", table.key_column)
      .number("versions", table.versions)
      .number("rows", table.last.outcome.counts.rows)
      .text_or_null("changed_at", text_of(table.changed_at))
      .raw("last_upload", upload_json(table.last).take());
  return object;
}

/// Returns each column's type in the lake beside its declared type in the last version. If they differ, some
/// values do not fit the declaration.
Result<std::string> lake_columns_json(history::HistoryReader& history, const ingest::TableRecord& table) {
  DD_TRY(const auto declared, ingest::types_from_json(table.last.reading.types_json.value_or("")));
  DD_TRY(const auto columns, history.lake_columns(table.table));
  JsonArray items;
  for (const auto& column : columns) {
    const auto of_column = declared.find(column.name);
    items.raw(JsonObject()
                  .text("name", column.name)
                  .text("type", to_string(type_in_files(column.type)))
                  .text_or_null("declared",
                                of_column == declared.end() ? std::nullopt : std::optional(of_column->second))
                  .take());
  }
  return items.take();
}

/// If the history does not answer, the response still contains the data of the catalog.
bool is_no_answer(const Error& error) {
  return error.code == ErrorCode::unavailable || error.code == ErrorCode::timed_out;
}

/// Returns the table after which the list begins: the cursor's table, or the position before the company's
/// first.
Result<std::optional<TableRef>> tables_after(const http::Request& request,
                                             const std::optional<std::string>& company) {
  using After = std::optional<TableRef>;
  DD_TRY(const auto cursor, cursor_of(request, "tables", 2));
  if (!cursor) return company ? After({*company, ""}) : After();
  if (company && cursor->at(0) != *company) return bad_cursor();
  return After({cursor->at(0), cursor->at(1)});
}

Result<http::Response> list_tables(const Services& services, const http::Request& request) {
  DD_TRY(check_query(request, {"company", "limit", "cursor"}));
  DD_TRY(auto page, Page::of(request));
  DD_TRY(const auto company, name_filter(request, "company"));
  ingest::TableFilter filter;
  DD_TRY(filter.after, tables_after(request, company));
  filter.limit = page.to_read();
  DD_TRY(const auto tables, services.ingest.reader().tables(filter));
  TableRef last;
  for (const auto& table : tables) {
    if (company && table.table.company_id != *company) break;  // tables are sorted by company
    if (page.full()) {
      page.continue_at(make_cursor("tables", {last.company_id, last.table_name}));
      break;
    }
    page.add(table_json(table).take());
    last = table.table;
  }
  return page.response("tables");
}

Result<http::Response> get_table(const Services& services, const http::Request& request) {
  DD_TRY(check_query(request, {"lake"}));
  DD_TRY(const auto with_lake, flag_of(request, "lake"));
  DD_TRY(const auto wanted, table_of_path(request));
  DD_TRY(const auto found, services.ingest.reader().table(wanted));
  if (!found) return no_such_table(wanted);
  auto object = table_json(*found);
  // Only requests for the lake's columns wait for the history.
  if (with_lake) {
    const auto columns = lake_columns_json(services.history, *found);
    if (columns.has_error() && !is_no_answer(columns.error())) return columns.error();
    object.raw("lake_columns", columns.has_value() ? columns.value() : "null");
  }
  return json_response(object.take());
}

}  // namespace

void add_table_routes(std::vector<http::Route>& routes, const Services& services) {
  routes.push_back(handler(http::Work::catalog, {AllowedTo::readers, Scope::company_in_query}, "GET",
                           "/api/v1/tables", std::bind_front(list_tables, services)));
  routes.push_back(handler(http::Work::catalog, {AllowedTo::readers, Scope::company_in_path}, "GET",
                           "/api/v1/tables/{}/{}", std::bind_front(get_table, services)));
  // Only requests for the lake's columns use the history's worker pool.
  routes.back().work_of = [](const http::Request& request) {
    return request.query_value("lake") ? http::Work::history : http::Work::catalog;
  };
}

}  // namespace deltadrop::api
