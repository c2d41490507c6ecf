#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace deltadrop {

/// Appends `text` as a JSON string (RFC 8259), quotes included. `text` must be valid UTF-8. Only `"`, `\` and
/// bytes below 0x20 are escaped, each in one fixed way, so equal texts give equal bytes.
void append_json_string(std::string& out, std::string_view text);

/// Returns whether a JSON string must escape a byte of `text`. Vectorized.
bool needs_json_escape(std::string_view text);

/// Returns the number of bytes that append_json_string would append.
std::size_t json_string_size(std::string_view text);

}  // namespace deltadrop
