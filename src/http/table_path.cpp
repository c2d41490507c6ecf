#include "http/table_path.hpp"

#include <fmt/format.h>

#include <utility>

#include "core/text.hpp"

namespace deltadrop::http {

Error no_such_table(const TableRef& table) {
  return Error{ErrorCode::not_found, "no-such-table",
               fmt::format("there is no table {}", quoted_for_message(table.to_string())),
               "GET /api/v1/tables lists them"};
}

Result<TableRef> table_of_path(const Request& request) {
  auto table = TableRef::make(request.parameters[0], request.parameters[1]);
  if (table.has_value()) return table;
  return no_such_table({request.parameters[0], request.parameters[1]});
}

Result<ingest::UploadRecord> version_of(ingest::Ingest& ingest, const TableRef& table, Version version) {
  DD_TRY(auto found, ingest.versions(table, version, 1));
  if (!found.empty() && found.front().version == version) return std::move(found.front());
  return Error{ErrorCode::not_found, "no-such-version",
               fmt::format("table {} has no version {}", table.to_string(), version.value),
               fmt::format("GET /api/v1/tables/{}/versions lists them", table.to_string())};
}

}  // namespace deltadrop::http
