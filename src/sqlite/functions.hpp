#pragma once

#include <string>
#include <string_view>

#include "core/result.hpp"
#include "sqlite/database.hpp"

namespace deltadrop::sqlite {

/// Returns whether two texts agree. The result must depend on the texts alone.
using TextComparison = bool (*)(std::string_view left, std::string_view right);

/// Defines `name(left, right)` as a deterministic SQL function of this connection. It returns 1 or 0, or NULL
/// if either argument is NULL.
Result<void> define_comparison(Database& database, const std::string& name, TextComparison comparison);

}  // namespace deltadrop::sqlite
