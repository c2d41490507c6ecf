#pragma once

#include <optional>
#include <string_view>

#include "csv/options.hpp"

namespace deltadrop::csv {

/// Detects a file that is not text or not CSV from its first bytes. Returns a finding that names the format,
/// or nothing. Under rules 1, detects workbooks only.
std::optional<Finding> find_other_format(std::string_view bytes, int rules);

/// Returns a finding if the table's earlier files have an 8-bit encoding, `remembered`, but this file is
/// certainly UTF-8: it has a byte order mark, or all its bytes outside ASCII form valid multi-byte sequences.
std::optional<Finding> find_utf8_instead_of(Encoding remembered, std::string_view bytes);

}  // namespace deltadrop::csv
