#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"

namespace deltadrop::http {

/// `data_json` (an object of texts and nulls) with exactly `columns`, in their order; an absent one is null.
/// `corrupt` when it is no such object.
Result<std::string> project_values(std::string_view data_json, const std::vector<std::string>& columns);

}  // namespace deltadrop::http
