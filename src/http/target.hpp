#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.hpp"

namespace deltadrop::http {

/// A request target (RFC 9112 section 3.2), split and decoded.
struct Target {
  std::optional<std::string> scheme;     ///< of an absolute-form target only
  std::optional<std::string> authority;  ///< of an absolute-form target only, not decoded
  std::string path;
  std::vector<std::string> segments;                       ///< "/" has none; "/a/" has "a" and ""
  std::vector<std::pair<std::string, std::string>> query;  ///< `+` is decoded to a space, as in forms
};

/// Splits the target before it decodes, so `%2F` stays inside its segment. Accepts origin-form and
/// absolute-form; does not check the latter's scheme and authority. Fails with invalid_input, type
/// "bad-request", for an invalid %-sequence, a NUL, invalid UTF-8 or a fragment.
Result<Target> parse_target(std::string_view target);

/// Decodes %XX, and `+` as a space if `plus_is_space`. `what` names the text in the error. Fails like
/// parse_target.
Result<std::string> percent_decode(std::string_view text, bool plus_is_space, std::string_view what);

/// Encodes all characters except A-Z a-z 0-9 . _ - ~ as %XX. The result is one path segment.
std::string percent_encode(std::string_view text);

}  // namespace deltadrop::http
