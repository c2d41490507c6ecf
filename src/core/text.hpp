#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace deltadrop {

/// `value` in double quotes for a message. Control characters and invalid UTF-8 become \xNN. A value longer
/// than 80 bytes is cut between two characters and ends with "...".
std::string quoted_for_message(std::string_view value);

/// "1 file", "2 files", "0 files". The noun must form its plural with an s.
std::string counted(std::int64_t count, std::string_view noun);
inline std::string counted(std::unsigned_integral auto count, std::string_view noun) {
  return counted(static_cast<std::int64_t>(count), noun);
}

/// Returns `text` without leading and trailing spaces and tabs.
std::string_view trim_blanks(std::string_view text);

/// Returns the length in bytes of the UTF-8 character (RFC 3629) at the start of `text`, or 0 if it is
/// invalid.
std::size_t utf8_character_length(std::string_view text);

/// Returns the byte offset of the first invalid UTF-8 sequence, or npos if `text` is valid.
std::size_t find_invalid_utf8(std::string_view text);

}  // namespace deltadrop
