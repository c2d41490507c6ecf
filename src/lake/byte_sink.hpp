#pragma once

#include <functional>
#include <string_view>

#include "core/result.hpp"

namespace deltadrop::lake {

/// Takes the bytes of a file in their order. What it fails with, the file fails with.
using ByteSink = std::function<Result<void>(std::string_view bytes)>;

}  // namespace deltadrop::lake
