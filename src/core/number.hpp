#pragma once

#include <charconv>
#include <concepts>
#include <optional>
#include <string_view>
#include <system_error>

namespace deltadrop {

/// The integer that `text` is in decimal, without spaces or a `+`; nothing if it is anything else or does not
/// fit into Number.
template <std::integral Number>
std::optional<Number> parse_integer(std::string_view text) {
  Number number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace deltadrop
