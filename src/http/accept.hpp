#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "http/message.hpp"

namespace deltadrop::http {

/// Returns the index of the element of `offers` (media types, the preferred one first) that the request's
/// Accept prefers (RFC 9110 section 12.5.1). Without Accept, returns the first. Ignores the parameters of a
/// media type, except `q`, and invalid ranges. Fails with invalid_input, type "not-acceptable", which names
/// the offers.
Result<std::size_t> choose_media_type(const Request& request, std::span<const std::string_view> offers);

}  // namespace deltadrop::http
