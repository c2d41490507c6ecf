#include "core/json_text.hpp"

#include <array>
#include <cstdint>

#include "core/ascii.hpp"

namespace deltadrop {
namespace {

/// The length of each byte after escaping: 1 if unescaped, 2 for \" and similar escapes, 6 for \u00XX.
constexpr std::array<std::uint8_t, 256> kEscapedLength = [] {
  std::array<std::uint8_t, 256> lengths{};
  for (std::size_t c = 0; c < lengths.size(); ++c) lengths[c] = c < 0x20 ? 6 : 1;
  for (const char c : {'"', '\\', '\b', '\f', '\n', '\r', '\t'}) lengths[static_cast<std::uint8_t>(c)] = 2;
  return lengths;
}();

void append_escape(std::string& out, char c) {
  out += '\\';
  switch (c) {
    case '"':
    case '\\':
      out += c;
      break;
    case '\b':
      out += 'b';
      break;
    case '\f':
      out += 'f';
      break;
    case '\n':
      out += 'n';
      break;
    case '\r':
      out += 'r';
      break;
    case '\t':
      out += 't';
      break;
    default:
      out += "u00";
      out += hex_digit(static_cast<std::uint8_t>(c) >> 4U);
      out += hex_digit(static_cast<std::uint8_t>(c));
  }
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  std::size_t run_start = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (kEscapedLength[static_cast<std::uint8_t>(text[i])] == 1) continue;
    out.append(text, run_start, i - run_start);
    append_escape(out, text[i]);
    run_start = i + 1;
  }
  out.append(text, run_start, text.size() - run_start);
  out += '"';
}

bool needs_json_escape(std::string_view text) {
  // Without a branch in the loop, the compiler vectorizes it.
  unsigned char found = 0;
  for (const char each : text) {
    const auto c = static_cast<unsigned char>(each);
    found |= static_cast<unsigned char>((c < 0x20) | (c == '"') | (c == '\\'));
  }
  return found != 0;
}

std::size_t json_string_size(std::string_view text) {
  std::size_t size = 2;
  for (const char c : text) size += kEscapedLength[static_cast<std::uint8_t>(c)];
  return size;
}

}  // namespace deltadrop
