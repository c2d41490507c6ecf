#pragma once

#include <boost/outcome/result.hpp>
#include <boost/outcome/try.hpp>

#include "core/error.hpp"

namespace deltadrop {

/// A value or an Error. Reading the value of an Error terminates the process: check first, or use DD_TRY.
template <class T>
using Result = boost::outcome_v2::result<T, Error, boost::outcome_v2::policy::terminate>;

inline auto success() { return boost::outcome_v2::success(); }

}  // namespace deltadrop

/// DD_TRY(auto x, f()) declares x with f()'s value, or returns f()'s error from this function. Use
/// DD_TRY(f()) for a Result<void>. It expands to several statements: put braces around it after an `if`.
#define DD_TRY(...) BOOST_OUTCOME_TRY(__VA_ARGS__)
