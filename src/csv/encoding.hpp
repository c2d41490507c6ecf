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

/// The mark at the front of a file, if there is one.
std::optional<ByteOrderMark> find_byte_order_mark(std::string_view bytes);

/// The byte order of UTF-16 without a mark: the half of the characters' bytes that is more often NUL is the
/// high one, as in all text with delimiters, digits and line ends. None where neither half is.
std::optional<Encoding> find_utf16_order(std::string_view bytes);

/// Hands `bytes` over as UTF-8, in pieces of at most about 1 MiB. Windows-1252's five unused bytes become the
/// control characters of the same number. What is no valid UTF-16 comes out as invalid UTF-8 in the same
/// place: a lone surrogate as its three bytes, an odd byte at the end as 0xFF.
Result<void> transcode(std::string_view bytes, Encoding from,
                       const std::function<Result<void>(std::string_view)>& sink);

}  // namespace deltadrop::csv
