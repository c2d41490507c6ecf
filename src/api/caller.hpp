#pragma once

#include "http/message.hpp"
#include "ingest/ingest.hpp"

/// What the headers of a request that makes a version say: `Idempotency-Key`
/// (draft-ietf-httpapi-idempotency-key-header) and `Prefer: respond-async` (RFC 7240), and the conditions
/// `If-Match` and `If-None-Match`.
namespace deltadrop::api {

/// invalid_input "bad-idempotency-key". Preferences that are not known are passed over.
Result<ingest::Caller> caller_of(const http::Request& request);

/// If-Match and If-None-Match, for ingest to check under the table's lock. The entity tag of a table is that
/// of its newest version's file: the file's SHA-256 in quotes.
ingest::Precondition precondition_of(const http::Request& request);

/// Says in the answer what was done of the preference, and whether it is an earlier answer.
void note_caller(http::Response& response, const ingest::Caller& caller, const ingest::UploadReport& report);

}  // namespace deltadrop::api
