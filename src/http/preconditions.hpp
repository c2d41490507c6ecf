#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.hpp"

/// Evaluates the conditional requests If-Match and If-None-Match (RFC 9110 section 13). Ignores
/// If-Modified-Since and If-Unmodified-Since, as the RFC requires of a server that does not send
/// Last-Modified.
namespace deltadrop::http {

enum class Verdict : std::uint8_t {
  proceed,
  not_modified,  ///< respond with 304: the client has this representation
  failed,        ///< respond with 412
};

/// Evaluates the conditions of a GET or HEAD for a representation with this entity tag (including quotes).
Verdict evaluate_preconditions(const Request& request, std::string_view etag);

/// The value of If-Match or If-None-Match.
struct EntityTags {
  bool any = false;                 ///< `*`
  std::vector<std::string> opaque;  ///< without quotes and `W/`
};
/// Return nothing if the request has no such field. If-Match compares strongly, so if_match omits weak tags.
std::optional<EntityTags> if_match(const Request& request);
std::optional<EntityTags> if_none_match(const Request& request);

/// The error for a failed If-Match: 412, type "precondition-failed".
Error precondition_failed(std::string_view what);

}  // namespace deltadrop::http
