#pragma once

#include <map>
#include <string>
#include <string_view>

#include "core/declared_type.hpp"
#include "core/result.hpp"

namespace deltadrop::ingest {

/// Type overrides by column name, in byte order.
using TypesByColumn = std::map<std::string, std::string, std::less<>>;

/// One JSON object, members in byte order of the columns; equal overrides are equal bytes. "" for no columns.
std::string types_to_json(const TypesByColumn& types);
/// The reverse; corrupt, type "bad-types-json". "" gives none.
Result<TypesByColumn> types_from_json(std::string_view json);

/// What `types=` gives, `column:type,...`, with each type as DeclaredType::to_string has it: equal
/// declarations are equal. invalid_input "bad-types".
Result<TypesByColumn> types_from_text(std::string_view text);
/// The same as types_from_json, for csv::ReadOptions::types. A type that this version does not know is left
/// out: it declares nothing that is known.
Result<DeclaredTypes> declared_types_from_json(std::string_view json);

}  // namespace deltadrop::ingest
