#pragma once

#include <exception>
#include <functional>
#include <future>
#include <optional>
#include <system_error>

#include "core/result.hpp"

/// What the system gives and can run out of: memory, threads, descriptors.
namespace deltadrop {

/// The Error for an exception that says so: unavailable "out-of-memory", "no-thread" or "too-many-files".
/// Nothing for other exceptions.
std::optional<Error> exhausted(const std::exception& thrown);

/// The same, or internal "thrown" with what the exception says.
Error error_of(const std::exception& thrown);

Error out_of_memory();

/// Calls `work`; an exception becomes its Error.
Result<void> caught(const std::function<Result<void>()>& work) noexcept;

/// std::async with a thread of its own if `apart`. Without one, or if the system has none left, `work` runs
/// in the thread that waits for the result.
template <class Work>
auto run_apart(bool apart, Work work) {
  if (apart) {
    try {
      return std::async(std::launch::async, work);
    } catch (const std::system_error&) {  // NOLINT(bugprone-empty-catch): done below, by this thread
    }
  }
  return std::async(std::launch::deferred, std::move(work));
}

}  // namespace deltadrop
