#include "api/table_path.hpp"

#include <fmt/format.h>

#include <utility>

#include "core/text.hpp"

namespace deltadrop::api {

Error no_such_table(const TableRef& table) {
  return Error{ErrorCode::not_found, "no-such-table",
               fmt::format("there is no table {}", quoted_for_message(table.to_string())),
               "GET /api/v1/tables lists them"};
}

Result<TableRef> table_of_path(const http::Request& request) {
  auto table = TableRef::make(request.parameters[0], request.parameters[1]);
  if (table.has_value()) return table;
  return no_such_table({request.parameters[0], request.parameters[1]});
}

}  // namespace deltadrop::api
