#pragma once

#include "core/table_ref.hpp"
#include "http/message.hpp"

namespace deltadrop::api {

Error no_such_table(const TableRef& table);

/// The table that the path's first two parameters name; one that cannot exist is "no-such-table".
Result<TableRef> table_of_path(const http::Request& request);

}  // namespace deltadrop::api
