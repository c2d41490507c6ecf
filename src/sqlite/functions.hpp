#pragma once

#include <string>
#include <string_view>

#include "core/result.hpp"
#include "sqlite/database.hpp"

namespace deltadrop::sqlite {

/// Whether two texts agree; must depend on nothing but them.
using TextComparison = bool (*)(std::string_view left, std::string_view right);

/// Makes `name(left, right)` a deterministic SQL function of this connection: 1 or 0, and NULL where either
/// side is.
Result<void> define_comparison(Database& database, const std::string& name, TextComparison comparison);

}  // namespace deltadrop::sqlite
