#pragma once

#include <boost/outcome/result.hpp>
#include <boost/outcome/try.hpp>

#include "core/error.hpp"

namespace deltadrop {

/// A value or an Error. Reading the value of a failed one terminates: check first, or use DD_TRY.
template <class T>
using Result = boost::outcome_v2::result<T, Error, boost::outcome_v2::policy::terminate>;

inline auto success() { return boost::outcome_v2::success(); }

}  // namespace deltadrop

/// DD_TRY(auto x, f()): x is f()'s value, or this function returns f()'s error. DD_TRY(f()) for Result<void>.
/// It is more than one statement: put braces around it behind an `if`.
#define DD_TRY(...) BOOST_OUTCOME_TRY(__VA_ARGS__)
