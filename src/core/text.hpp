#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace deltadrop {

/// `value` in double quotes for a message: control characters and invalid UTF-8 as \xNN, cut after 80 bytes
/// at a character's edge with "..." behind.
std::string quoted_for_message(std::string_view value);

/// "1 file", "2 files", "0 files": of a noun whose plural takes an s.
std::string counted(std::int64_t count, std::string_view noun);
inline std::string counted(std::unsigned_integral auto count, std::string_view noun) {
  return counted(static_cast<std::int64_t>(count), noun);
}

/// Without the spaces and tabs around it.
std::string_view trim_blanks(std::string_view text);

/// Length in bytes of the UTF-8 character at the front of `text` if it is valid (RFC 3629), else 0.
std::size_t utf8_character_length(std::string_view text);

/// Byte offset of the first invalid UTF-8 sequence, or npos where there is none.
std::size_t find_invalid_utf8(std::string_view text);

}  // namespace deltadrop
