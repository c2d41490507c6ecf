#pragma once

#include <exception>
#include <functional>
#include <future>
#include <optional>
#include <system_error>

#include "core/result.hpp"

/// Reports that the system ran out of memory, threads or file descriptors.
namespace deltadrop {

/// Returns the Error for an exception that means exhaustion: unavailable, type "out-of-memory", "no-thread"
/// or "too-many-files". Returns nothing for any other exception.
std::optional<Error> exhausted(const std::exception& thrown);

/// Like exhausted, but any other exception becomes internal, type "thrown", with the exception's text.
Error error_of(const std::exception& thrown);

Error out_of_memory();

/// Calls `work` and converts an exception to its Error.
Result<void> caught(const std::function<Result<void>()>& work) noexcept;

/// Calls std::async, with a new thread if `apart`. If `apart` is false or the system has no thread left,
/// `work` runs in the thread that waits for the result.
template <class Work>
auto run_apart(bool apart, Work work) {
  if (apart) {
    try {
      return std::async(std::launch::async, work);
    } catch (const std::system_error&) {  // NOLINT(bugprone-empty-catch): run below
    }
  }
  return std::async(std::launch::deferred, std::move(work));
}

}  // namespace deltadrop
