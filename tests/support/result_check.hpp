#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>
#include <type_traits>
#include <utility>

#include "core/result.hpp"

namespace deltadrop::testing {

/// Returns the value, or prints the error's text and ends the test program. For steps that a test needs but
/// does not test.
template <class T>
T must(Result<T> result) {
  if (!result) {
    std::fprintf(stderr, "a step failed: %s: %s\n", result.error().type.c_str(),
                 result.error().text().c_str());
    std::abort();
  }
  if constexpr (!std::is_void_v<T>) return std::move(result).value();
}

/// For EXPECT_EQ: returns "" for a success, otherwise "code/type".
template <class T>
std::string error_of(const Result<T>& result) {
  if (result) return "";
  return std::string(to_string(result.error().code)) + "/" + result.error().type;
}

}  // namespace deltadrop::testing
