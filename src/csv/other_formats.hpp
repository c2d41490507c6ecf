#pragma once

#include <optional>
#include <string_view>

#include "csv/options.hpp"

namespace deltadrop::csv {

/// Names the format of a file that is not text, or not CSV, by how it begins. Under rules 1, workbooks only.
std::optional<Finding> find_other_format(std::string_view bytes, int rules);

/// What to say where a table's files have `remembered`, an 8-bit encoding, and this one is certainly UTF-8:
/// it has a byte order mark, or multi-byte sequences and nothing else outside ASCII.
std::optional<Finding> find_utf8_instead_of(Encoding remembered, std::string_view bytes);

}  // namespace deltadrop::csv
