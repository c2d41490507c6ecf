#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.hpp"

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

/// The value of If-Match or If-None-Match.
struct EntityTags {
  bool any = false;                 ///< `*`
  std::vector<std::string> opaque;  ///< without quotes and W/
};
/// Nothing where the request has no such field. If-Match compares strongly: weak tags are left out.
std::optional<EntityTags> if_match(const Request& request);
std::optional<EntityTags> if_none_match(const Request& request);

/// 412.
Error precondition_failed(std::string_view what);

}  // namespace deltadrop::http
