#pragma once

#include <cstdint>
#include <string_view>

#include "http/message.hpp"
#include "ingest/ingest.hpp"

/// Conditions of a request on what the client believes to be the newest state: If-Match and If-None-Match
/// (RFC 9110 section 13). If-Modified-Since and If-Unmodified-Since are ignored, as the RFC asks of a server
/// that sends no Last-Modified.
namespace deltadrop::http {

enum class Verdict : std::uint8_t {
  proceed,
  not_modified,  ///< answer 304: the client has this representation
  failed,        ///< answer 412
};

/// Evaluates the conditions of a GET or HEAD for a representation with this entity tag, quotes included.
Verdict evaluate_preconditions(const Request& request, std::string_view etag);

/// The conditions of a request that adds a version to a table, for ingest to check under the table's lock.
/// The entity tag of a table is that of its newest version's file: the file's SHA-256 in quotes.
ingest::Precondition precondition_of(const Request& request);

/// 412.
Error precondition_failed(std::string_view what);

}  // namespace deltadrop::http
