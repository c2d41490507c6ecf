#pragma once

#include <map>
#include <string>
#include <string_view>

#include "core/result.hpp"

namespace deltadrop::ingest {

/// Type overrides by column name, in byte order.
using TypesByColumn = std::map<std::string, std::string, std::less<>>;

/// One JSON object, members in byte order of the columns; equal overrides are equal bytes. "" for no columns.
std::string types_to_json(const TypesByColumn& types);
/// The reverse; corrupt, type "bad-types-json". "" gives none.
Result<TypesByColumn> types_from_json(std::string_view json);

}  // namespace deltadrop::ingest
