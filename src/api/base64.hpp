#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace deltadrop::api {

/// RFC 4648 section 4, with padding.
std::string base64(std::string_view bytes);

/// RFC 4648 section 5, without padding.
std::string base64url(std::string_view bytes);
/// The bytes of what base64url made; nothing for other text.
std::optional<std::string> decode_base64url(std::string_view text);

}  // namespace deltadrop::api
