#pragma once

#include <map>
#include <string>
#include <string_view>

#include "core/declared_type.hpp"
#include "core/result.hpp"

namespace deltadrop::ingest {

/// Type overrides by column name, in byte order.
using TypesByColumn = std::map<std::string, std::string, std::less<>>;

/// Returns one JSON object, with members in byte order of the columns: equal overrides give equal bytes.
/// Returns "" for no columns.
std::string types_to_json(const TypesByColumn& types);
/// Reverses types_to_json; "" gives no types. Fails with corrupt, type "bad-types-json".
Result<TypesByColumn> types_from_json(std::string_view json);

/// Parses the text of `types=`, `column:type,...`. Normalizes each type with DeclaredType::to_string, so that
/// equal declarations compare equal. Fails with invalid_input, type "bad-types".
Result<TypesByColumn> types_from_text(std::string_view text);
/// Does the same as types_from_json, for csv::ReadOptions::types. Skips a type that this version does not
/// know: it declares nothing known.
Result<DeclaredTypes> declared_types_from_json(std::string_view json);

}  // namespace deltadrop::ingest
