#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "http/message.hpp"

namespace deltadrop::http {

/// Which of `offers` (media types, the preferred one first) the request's Accept prefers, by RFC 9110 section
/// 12.5.1: an index. Without Accept the first. Parameters of a media type but `q` are not looked at; a range
/// that cannot be read is passed over. Fails with invalid_input "not-acceptable", which names the offers.
Result<std::size_t> choose_media_type(const Request& request, std::span<const std::string_view> offers);

}  // namespace deltadrop::http
