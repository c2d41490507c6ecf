#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <type_traits>
#include <utility>

#include "core/result.hpp"

namespace deltadrop::testing {

/// The value, or the test program ends with the error's text: for steps that a test needs and does not test.
template <class T>
T must(Result<T> result) {
  if (!result) {
    ADD_FAILURE() << result.error().type << ": " << result.error().text();
    std::abort();
  }
  if constexpr (!std::is_void_v<T>) return std::move(result).value();
}

/// For EXPECT_EQ: "" of a success, else "code/type".
template <class T>
std::string error_of(const Result<T>& result) {
  if (result) return "";
  return std::string(to_string(result.error().code)) + "/" + result.error().type;
}

}  // namespace deltadrop::testing
