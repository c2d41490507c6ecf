#include "xlsx/cell_text.hpp"

#include <algorithm>
#include <charconv>

namespace deltadrop::xlsx {
namespace {

constexpr std::size_t kEscapeLength = 7;  // _xHHHH_

std::optional<char32_t> escape_at(std::string_view text, std::size_t at) {
  if (text.size() < at + kEscapeLength || text[at] != '_' || text[at + 1] != 'x' || text[at + 6] != '_') {
    return std::nullopt;
  }
  std::uint32_t unit = 0;
  const char* first = text.data() + at + 2;
  const auto [end, error] = std::from_chars(first, first + 4, unit, 16);
  if (error != std::errc() || end != first + 4) return std::nullopt;
  return char32_t{unit};
}

bool is_high(char32_t unit) { return unit >= 0xD800 && unit < 0xDC00; }
bool is_low(char32_t unit) { return unit >= 0xDC00 && unit < 0xE000; }

void append_utf8(std::string& out, char32_t c) {
  const auto tail = [&](unsigned shift) { out += static_cast<char>(0x80U | ((c >> shift) & 0x3FU)); };
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xC0U | (c >> 6));
    tail(0);
  } else if (c < 0x10000) {
    out += static_cast<char>(0xE0U | (c >> 12));
    tail(6);
    tail(0);
  } else {
    out += static_cast<char>(0xF0U | (c >> 18));
    tail(12);
    tail(6);
    tail(0);
  }
}

/// Appends the character of the escape at `at`. Returns the length of the escape, or 0 without an escape.
std::size_t take_escape(std::string& out, std::string_view text, std::size_t at) {
  const auto unit = escape_at(text, at);
  if (!unit || is_low(*unit)) return 0;
  if (!is_high(*unit)) {
    append_utf8(out, *unit);
    return kEscapeLength;
  }
  const auto low = escape_at(text, at + kEscapeLength);
  if (!low || !is_low(*low)) return 0;
  append_utf8(out, 0x10000 + ((*unit - 0xD800) << 10) + (*low - 0xDC00));
  return 2 * kEscapeLength;
}

}  // namespace

std::string to_string(CellPlace place) {
  std::string letters;
  for (std::uint32_t rest = place.column; rest > 0; rest = (rest - 1) / 26) {
    letters += static_cast<char>('A' + (rest - 1) % 26);
  }
  std::reverse(letters.begin(), letters.end());
  return letters + std::to_string(place.row);
}

std::optional<CellPlace> parse_cell_place(std::string_view text) {
  std::uint64_t column = 0;
  std::size_t at = text.starts_with('$') ? 1 : 0;
  const std::size_t letters_begin = at;
  for (; at < text.size(); ++at) {
    const auto letter = static_cast<unsigned>((text[at] | 0x20) - 'a');
    if (letter >= 26) break;
    column = column * 26 + letter + 1;
    if (column > UINT32_MAX) return std::nullopt;
  }
  if (at == letters_begin) return std::nullopt;
  if (at < text.size() && text[at] == '$') ++at;
  std::uint32_t row = 0;
  const auto [end, error] = std::from_chars(text.data() + at, text.data() + text.size(), row);
  if (error != std::errc() || end != text.data() + text.size() || row == 0) return std::nullopt;
  return CellPlace{row, static_cast<std::uint32_t>(column)};
}

std::string_view trim_xml_space(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) + 1 - begin);
}

void decode_escapes(std::string& text, std::size_t begin) {
  std::size_t at = text.find("_x", begin);
  if (at == std::string::npos) return;
  // Keep the text before `at`: a text of many runs is decoded run by run.
  const std::size_t kept = at;
  std::string out;
  while (at < text.size()) {
    const std::size_t length = take_escape(out, text, at);
    if (length == 0) out += text[at];
    at += std::max<std::size_t>(length, 1);
    const std::size_t next = std::min(text.find("_x", at), text.size());
    out.append(text, at, next - at);
    at = next;
  }
  text.replace(kept, std::string::npos, out);
}

void append_csv_field(std::string& out, std::string_view value) {
  if (value.find_first_of(",\"\r\n") == std::string_view::npos) {
    out += value;
    return;
  }
  out += '"';
  for (std::size_t at = 0; at < value.size();) {
    const std::size_t quote = std::min(value.find('"', at), value.size());
    out += value.substr(at, quote - at);
    if (quote < value.size()) out += "\"\"";
    at = quote + 1;
  }
  out += '"';
}

}  // namespace deltadrop::xlsx
