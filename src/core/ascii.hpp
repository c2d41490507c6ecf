#pragma once

#include <optional>
#include <string_view>

/// Classes of ASCII characters, whatever the locale. A byte over 0x7F is in none of them.
namespace deltadrop {

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

constexpr bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c);
}

/// 0x00 to 0x1F and 0x7F: tabs and line ends, too.
constexpr bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }

/// The value of a hex digit of either case.
constexpr std::optional<unsigned> hex_value(char c) {
  if (is_digit(c)) return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
  return std::nullopt;
}

/// The lower-case hex digit of the low four bits.
constexpr char hex_digit(unsigned value) { return std::string_view("0123456789abcdef")[value & 15U]; }

}  // namespace deltadrop
