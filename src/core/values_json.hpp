#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace deltadrop {

/// Returns whether two JSON objects of strings and nulls (an Event's values) describe the same row. The order
/// of names, white space and the choice of escapes do not matter; an absent name equals null. Returns false
/// if either is not such an object.
bool equal_values_json(std::string_view left, std::string_view right);

/// Appends a JSON array of these strings.
void append_texts_json(std::string& out, const std::vector<std::string>& texts);

/// Parses a JSON array of strings. Returns nothing if `json` is anything else.
std::optional<std::vector<std::string>> parse_texts_json(std::string_view json);

}  // namespace deltadrop
