#pragma once

#include "http/message.hpp"
#include "ingest/ingest.hpp"

namespace deltadrop::http {

Error no_such_table(const TableRef& table);

/// The table that the path's first two parameters name; one that cannot exist is "no-such-table".
Result<TableRef> table_of_path(const Request& request);

/// not_found "no-such-table", "no-such-version".
Result<ingest::UploadRecord> version_of(ingest::Ingest& ingest, const TableRef& table, Version version);

}  // namespace deltadrop::http
