#pragma once

#include "http/message.hpp"
#include "ingest/ingest.hpp"

/// Reads the headers of a request that creates a version: `Idempotency-Key`
/// (draft-ietf-httpapi-idempotency-key-header), `Prefer: respond-async` (RFC 7240), `If-Match` and
/// `If-None-Match` (RFC 9110).
namespace deltadrop::api {

/// Returns the request's id, stop token, key scope, idempotency key and publish wait. Ignores unknown
/// preferences. Fails with invalid_input "bad-idempotency-key".
Result<ingest::Caller> caller_of(const http::Request& request);

/// Returns If-Match and If-None-Match; ingest checks them under the table's lock. The entity tag of a table
/// is the SHA-256 of its newest version's file, in quotes.
ingest::Precondition precondition_of(const http::Request& request);

/// Adds Preference-Applied if the response is asynchronous, and Idempotency-Replayed if it repeats an earlier
/// one.
void note_caller(http::Response& response, const ingest::Caller& caller, const ingest::UploadReport& report);

}  // namespace deltadrop::api
