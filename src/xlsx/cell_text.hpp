#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace deltadrop::xlsx {

/// A cell's place, both from 1 on.
struct CellPlace {
  std::uint32_t row = 0;
  std::uint32_t column = 0;

  bool operator==(const CellPlace&) const = default;
};

/// "C5"
std::string to_string(CellPlace place);

/// Reads "C5" or "$C$5". Nothing if it is anything else, or a number does not fit in 32 bits.
std::optional<CellPlace> parse_cell_place(std::string_view text);

/// Without the white space of XML around it.
std::string_view trim_xml_space(std::string_view text);

/// Replaces _xHHHH_ in `text` from `begin` on by the character of UTF-16 that it means (ECMA-376 part
/// 1, 22.4.2.4). Half of a pair stays as it is.
void decode_escapes(std::string& text, std::size_t begin);

/// Appends one field of RFC 4180.
void append_csv_field(std::string& out, std::string_view value);

}  // namespace deltadrop::xlsx
