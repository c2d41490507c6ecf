#pragma once

#include <span>
#include <string>
#include <string_view>

namespace deltadrop::csv {

/// Appends one RFC 4180 record without a line end. Fields are joined by commas and quoted if they contain a
/// comma, a quote or a line end. A single field is also quoted if it is empty.
void append_record(std::string& out, std::span<const std::string_view> fields);

}  // namespace deltadrop::csv
