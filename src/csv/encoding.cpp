#include "csv/encoding.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>

namespace deltadrop::csv {
namespace {

constexpr std::size_t kPieceBytes = std::size_t{1} << 20;

/// The characters 0x80 to 0x9F of Windows-1252 (https://encoding.spec.whatwg.org/index-windows-1252.txt).
constexpr std::array<char32_t, 32> kWindows1252 = {
    0x20AC, 0x0081, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0x008D, 0x017D, 0x008F, 0x0090, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x009D, 0x017E, 0x0178};

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

std::uint8_t byte_at(std::string_view bytes, std::size_t at) { return static_cast<std::uint8_t>(bytes[at]); }

/// Appends the UTF-16 character at `at` as UTF-8 and advances `at`.
void append_utf16(std::string& out, std::string_view bytes, std::size_t& at, bool big_endian) {
  const auto unit_at = [&](std::size_t place) -> char32_t {
    const char32_t first = byte_at(bytes, place);
    const char32_t second = byte_at(bytes, place + 1);
    return big_endian ? (first << 8 | second) : (second << 8 | first);
  };
  if (at + 1 == bytes.size()) {
    out += '\xFF';
    at += 1;
    return;
  }
  const char32_t unit = unit_at(at);
  at += 2;
  if (unit >= 0xD800 && unit < 0xDC00 && at + 1 < bytes.size()) {
    const char32_t low = unit_at(at);
    if (low >= 0xDC00 && low < 0xE000) {
      at += 2;
      return append_utf8(out, 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00));
    }
  }
  append_utf8(out, unit);
}

void append_character(std::string& out, std::string_view bytes, std::size_t& at, Encoding from) {
  if (from == Encoding::utf16le || from == Encoding::utf16be) {
    return append_utf16(out, bytes, at, from == Encoding::utf16be);
  }
  const std::uint8_t byte = byte_at(bytes, at++);
  const bool in_table = from == Encoding::windows1252 && byte >= 0x80 && byte < 0xA0;
  append_utf8(out, in_table ? kWindows1252[byte - 0x80U] : char32_t{byte});
}

}  // namespace

std::optional<ByteOrderMark> find_byte_order_mark(std::string_view bytes) {
  if (bytes.starts_with("\xEF\xBB\xBF")) return ByteOrderMark{Encoding::utf8, 3};
  if (bytes.starts_with("\xFF\xFE")) return ByteOrderMark{Encoding::utf16le, 2};
  if (bytes.starts_with("\xFE\xFF")) return ByteOrderMark{Encoding::utf16be, 2};
  return std::nullopt;
}

std::optional<Encoding> find_utf16_order(std::string_view bytes) {
  constexpr std::size_t kLookedAt = 4096;
  std::array<std::size_t, 2> nuls{};
  for (std::size_t i = 0; i < std::min(bytes.size(), kLookedAt); ++i) {
    if (bytes[i] == '\0') ++nuls[i % 2];
  }
  if (nuls[0] == nuls[1]) return std::nullopt;
  return nuls[0] > nuls[1] ? Encoding::utf16be : Encoding::utf16le;
}

Result<void> transcode(std::string_view bytes, Encoding from,
                       const std::function<Result<void>(std::string_view)>& sink) {
  constexpr std::size_t kLongestCharacter = 4;
  std::string piece;
  piece.reserve(kPieceBytes + kLongestCharacter);
  std::size_t at = 0;
  while (at < bytes.size()) {
    append_character(piece, bytes, at, from);
    if (piece.size() < kPieceBytes) continue;
    DD_TRY(sink(piece));
    piece.clear();
  }
  return piece.empty() ? Result<void>(success()) : sink(piece);
}

}  // namespace deltadrop::csv
