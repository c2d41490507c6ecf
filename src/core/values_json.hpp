#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace deltadrop {

/// Whether two JSON objects of texts and nulls (an Event's values) say the same of a row: equal apart from
/// the order of their names, white space and the way characters are escaped; an absent name equals null.
/// False when either is not such an object.
bool equal_values_json(std::string_view left, std::string_view right);

/// Appends a JSON array of these texts.
void append_texts_json(std::string& out, const std::vector<std::string>& texts);

/// Reads a JSON array of texts; nothing when it is something else.
std::optional<std::vector<std::string>> parse_texts_json(std::string_view json);

}  // namespace deltadrop
