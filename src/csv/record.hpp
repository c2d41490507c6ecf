#pragma once

#include <span>
#include <string>
#include <string_view>

namespace deltadrop::csv {

/// Appends one RFC 4180 record without a line end: fields joined by commas, quoted where they hold a comma, a
/// quote, a line end, or where a lone field is empty.
void append_record(std::string& out, std::span<const std::string_view> fields);

}  // namespace deltadrop::csv
