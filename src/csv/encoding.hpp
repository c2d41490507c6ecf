#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string_view>

#include "core/result.hpp"
#include "csv/options.hpp"

namespace deltadrop::csv {

struct ByteOrderMark {
  Encoding encoding = Encoding::utf8;
  std::size_t bytes = 0;
};

/// Returns the byte order mark at the start of a file, if any.
std::optional<ByteOrderMark> find_byte_order_mark(std::string_view bytes);

/// Returns the byte order of UTF-16 without a mark. The byte of each pair that is more often NUL is the high
/// byte, because delimiters, digits and line ends are ASCII. Returns nothing if both are NUL equally often.
std::optional<Encoding> find_utf16_order(std::string_view bytes);

/// Converts `bytes` to UTF-8 and calls `sink` with pieces of at most about 1 MiB. The five bytes that
/// Windows-1252 leaves undefined become the control characters of the same number. Invalid UTF-16 becomes
/// invalid UTF-8 in the same place: a lone surrogate becomes its three bytes, an odd last byte becomes 0xFF.
/// Fails only as `sink`.
Result<void> transcode(std::string_view bytes, Encoding from,
                       const std::function<Result<void>(std::string_view)>& sink);

}  // namespace deltadrop::csv
