#pragma once

#include "http/message.hpp"
#include "ingest/ingest.hpp"

/// How a client wants a request that makes a version to be answered: `Idempotency-Key`
/// (draft-ietf-httpapi-idempotency-key-header) and `Prefer: respond-async` (RFC 7240).
namespace deltadrop::api {

/// invalid_input "bad-idempotency-key". Preferences that are not known are passed over.
Result<ingest::Caller> caller_of(const http::Request& request);

/// Says in the answer what was done of the preference, and whether it is an earlier answer.
void note_caller(http::Response& response, const ingest::Caller& caller, const ingest::UploadReport& report);

}  // namespace deltadrop::api
