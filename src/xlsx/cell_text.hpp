#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace deltadrop::xlsx {

/// The position of a cell. Rows and columns count from 1.
struct CellPlace {
  std::uint32_t row = 0;
  std::uint32_t column = 0;

  bool operator==(const CellPlace&) const = default;
};

/// Returns a reference such as "C5".
std::string to_string(CellPlace place);

/// Parses "C5" or "$C$5". Returns nothing for other text, or if a number does not fit in 32 bits.
std::optional<CellPlace> parse_cell_place(std::string_view text);

/// Returns `text` without leading and trailing XML white space.
std::string_view trim_xml_space(std::string_view text);

/// Replaces each _xHHHH_ in `text` from `begin` on with the UTF-16 character that it encodes (ECMA-376 part
/// 1, 22.4.2.4). An unpaired surrogate is not replaced.
void decode_escapes(std::string& text, std::size_t begin);

/// Appends one RFC 4180 field, quoted if necessary.
void append_csv_field(std::string& out, std::string_view value);

}  // namespace deltadrop::xlsx
