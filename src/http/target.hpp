#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.hpp"

namespace deltadrop::http {

/// A request target (RFC 9112 section 3.2), taken apart and decoded.
struct Target {
  std::optional<std::string> scheme;     ///< of an absolute-form target only
  std::optional<std::string> authority;  ///< likewise, as it was sent
  std::string path;
  std::vector<std::string> segments;                       ///< of "/": none; of "/a/": "a" and ""
  std::vector<std::pair<std::string, std::string>> query;  ///< `+` is a space, as forms write it
};

/// Splits before decoding, so `%2F` stays inside its segment. Accepts origin-form and absolute-form, whose
/// scheme and authority it does not check. Fails with
/// invalid_input, type "bad-request": a broken %-sequence, a NUL, invalid UTF-8 or a fragment.
Result<Target> parse_target(std::string_view target);

/// `what` names the text in the error.
Result<std::string> percent_decode(std::string_view text, bool plus_is_space, std::string_view what);

/// Everything but A-Z a-z 0-9 . _ - ~ as %XX: one path segment.
std::string percent_encode(std::string_view text);

}  // namespace deltadrop::http
