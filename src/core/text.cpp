#include "core/text.hpp"

#include <fmt/format.h>
#include <simdjson.h>

#include <cstdint>

#include "core/ascii.hpp"

namespace deltadrop {
namespace {

constexpr std::size_t kMessageValueMax = 80;

std::uint8_t byte_at(std::string_view text, std::size_t i) { return static_cast<std::uint8_t>(text[i]); }

bool continuation(std::string_view text, std::size_t i) {
  return i < text.size() && (byte_at(text, i) & 0xC0U) == 0x80U;
}

}  // namespace

std::string counted(std::int64_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string_view trim_blanks(std::string_view text) {
  constexpr std::string_view kBlanks = " \t";
  const auto begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

std::size_t utf8_character_length(std::string_view text) {
  if (text.empty()) return 0;
  const auto b0 = byte_at(text, 0);
  if (b0 < 0x80) return 1;
  if (b0 < 0xC2 || b0 > 0xF4 || !continuation(text, 1)) return 0;
  if (b0 < 0xE0) return 2;
  const auto b1 = byte_at(text, 1);
  if (!continuation(text, 2)) return 0;
  if (b0 < 0xF0) return (b0 == 0xE0 && b1 < 0xA0) || (b0 == 0xED && b1 > 0x9F) ? 0 : 3;
  if (!continuation(text, 3)) return 0;
  return (b0 == 0xF0 && b1 < 0x90) || (b0 == 0xF4 && b1 > 0x8F) ? 0 : 4;
}

std::size_t find_invalid_utf8(std::string_view text) {
  if (simdjson::validate_utf8(text.data(), text.size())) return std::string_view::npos;
  std::size_t at = 0;
  while (at < text.size()) {
    const auto length = utf8_character_length(text.substr(at));
    if (length == 0) return at;
    at += length;
  }
  return std::string_view::npos;
}

std::string quoted_for_message(std::string_view value) {
  std::string out = "\"";
  std::size_t at = 0;
  while (at < value.size()) {
    const auto length = utf8_character_length(value.substr(at));
    if (at + length > kMessageValueMax) {
      out += "...";
      break;
    }
    const auto c = byte_at(value, at);
    if (length == 0 || is_control(value[at])) {
      out += fmt::format("\\x{:02X}", c);
      ++at;
    } else {
      out += value.substr(at, length);
      at += length;
    }
  }
  out += '"';
  return out;
}

}  // namespace deltadrop
