#pragma once

#include "http/message.hpp"
#include "ingest/ingest.hpp"

namespace deltadrop::api {

/// If-Match and If-None-Match of a request that adds a version to a table, for ingest to check under the
/// table's lock. The entity tag of a table is that of its newest version's file: the file's SHA-256 in
/// quotes.
ingest::Precondition precondition_of(const http::Request& request);

}  // namespace deltadrop::api
