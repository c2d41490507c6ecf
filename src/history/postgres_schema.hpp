#pragma once

#include "core/result.hpp"
#include "history/postgres_connection.hpp"

namespace deltadrop::history::postgres {

/// Brings the schema up to date, or only checks it, as `options.migrate` says. A newer one is conflict
/// "schema-too-new".
Result<void> prepare_schema(Connection& connection, const Options& options);

}  // namespace deltadrop::history::postgres
