#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "http/answers.hpp"
#include "http/parameters.hpp"
#include "http/problem.hpp"
#include "http/routes/route_groups.hpp"
#include "http/table_path.hpp"
#include "io/file.hpp"

namespace deltadrop::http {
namespace {

constexpr std::size_t kPieceBytes = std::size_t{128} << 10;

std::string table_json(const ingest::TableRecord& table) {
  return JsonObject()
      .text("company_id", table.table.company_id)
      .text("table_name", table.table.table_name)
      .text("key_column", table.key_column)
      .number("versions", table.versions)
      .number("rows", table.last.counts.rows)
      .raw("last_upload", upload_json(table.last).take())
      .take();
}

Result<Response> list_tables(const Services& services, const Request& request) {
  DD_TRY(check_query(request, {"limit", "cursor"}));
  DD_TRY(const auto limit, limit_of(request));
  DD_TRY(const auto cursor, cursor_of(request, "tables", 2));
  DD_TRY(auto tables, services.ingest.tables());
  std::sort(tables.begin(), tables.end(), [](const auto& a, const auto& b) { return a.table < b.table; });
  JsonArray items;
  std::int64_t taken = 0;
  TableRef last;
  for (const auto& table : tables) {
    if (cursor && table.table <= TableRef{cursor->at(0), cursor->at(1)}) continue;
    if (taken == limit) {
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
  DD_TRY(const auto tables, services.ingest.tables());
  const auto found =
      std::find_if(tables.begin(), tables.end(), [&](const auto& table) { return table.table == wanted; });
  if (found == tables.end()) return no_such_table(wanted);
  return json_response(table_json(*found));
}

Result<Response> list_versions(const Services& services, const Request& request) {
  DD_TRY(check_query(request, {"limit", "cursor"}));
  DD_TRY(const auto limit, limit_of(request));
  DD_TRY(const auto cursor, cursor_of(request, "versions", 1));
  Version first(1);
  if (cursor) {
    DD_TRY(first.value, cursor_number(cursor->front(), 1));
  }
  DD_TRY(const auto table, table_of_path(request));
  DD_TRY(const auto versions, services.ingest.versions(table, first, limit + 1));
  JsonArray items;
  for (const auto& upload : versions) {
    const auto number = upload.version.value_or(Version(0));
    const bool full = number.value >= first.value + limit || items.bytes() > kPageBytesMax;
    if (full)
      return list_response("versions", items, make_cursor("versions", {std::to_string(number.value)}));
    items.raw(upload_json(upload).take());
  }
  return list_response("versions", items, std::nullopt);
}

BodySource pieces_of(io::File file) {
  const auto shared = std::make_shared<io::File>(std::move(file));
  return [shared]() -> Result<std::string> {
    std::string piece(kPieceBytes, '\0');
    DD_TRY(const auto count, shared->read(std::as_writable_bytes(std::span(piece))));
    piece.resize(count);
    return piece;
  };
}

/// The archived bytes as they came. Names of companies and tables are made of characters that need no
/// quoting.
Result<Response> get_file(const Services& services, const Request& request) {
  DD_TRY(check_query(request, {}));
  DD_TRY(const auto table, table_of_path(request));
  DD_TRY(const auto number, parse_positive("version", request.parameters[2]));
  DD_TRY(const auto upload, version_of(services.ingest, table, Version(number)));
  const auto tag = fmt::format("\"{}\"", upload.sha256.to_hex());
  Response response;
  response.headers = {{"ETag", tag}, {"Cache-Control", "private, immutable"}};
  const auto known = request.header("if-none-match");
  if (known && (*known == "*" || known->find(tag) != std::string::npos)) {
    response.status = 304;
    return response;
  }
  DD_TRY(const auto path, services.ingest.archived_file(table, Version(number)));
  DD_TRY(auto file, io::File::open_to_read(path));
  response.content_type = "text/csv";
  response.headers.emplace_back(
      "Content-Disposition",
      fmt::format("attachment; filename=\"{}_{}_v{}.csv\"", table.company_id, table.table_name, number));
  response.stream = pieces_of(std::move(file));
  return response;
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
  add("/{}/{}/versions", list_versions);
  add("/{}/{}/versions/{}/file", get_file);
}

}  // namespace deltadrop::http
