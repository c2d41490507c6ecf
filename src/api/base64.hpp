#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace deltadrop::api {

/// Encodes with the standard alphabet and padding (RFC 4648 section 4).
std::string base64(std::string_view bytes);

/// Encodes with the URL-safe alphabet, without padding (RFC 4648 section 5).
std::string base64url(std::string_view bytes);
/// Decodes the output of base64url. Returns nothing for any other text.
std::optional<std::string> decode_base64url(std::string_view text);

}  // namespace deltadrop::api
