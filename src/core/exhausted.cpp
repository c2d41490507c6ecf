#include "core/exhausted.hpp"

#include <new>
#include <utility>

namespace deltadrop {

Error out_of_memory() {
  return {ErrorCode::unavailable, "out-of-memory", "the system refused to give this process more memory",
          "raise its limit (ulimit -v, MemoryMax), or send fewer and smaller requests at once"};
}

std::optional<Error> exhausted(const std::exception& thrown) {
  if (dynamic_cast<const std::bad_alloc*>(&thrown) != nullptr) return out_of_memory();
  const auto* failed = dynamic_cast<const std::system_error*>(&thrown);
  if (failed == nullptr) return std::nullopt;
  const auto& code = failed->code();
  if (code == std::errc::not_enough_memory) return out_of_memory();
  if (code == std::errc::resource_unavailable_try_again) {
    return Error{ErrorCode::unavailable, "no-thread",
                 "the system refused to give this process another thread",
                 "raise its limit (ulimit -u, pids.max, ulimit -v), or send fewer requests at once"};
  }
  if (code == std::errc::too_many_files_open || code == std::errc::too_many_files_open_in_system) {
    return Error{ErrorCode::unavailable, "too-many-files",
                 "the system refused to give this process another file descriptor",
                 "raise its limit (ulimit -n), or lower MAX_CONNECTIONS"};
  }
  return std::nullopt;
}

Error error_of(const std::exception& thrown) {
  if (auto known = exhausted(thrown)) return std::move(*known);
  return {ErrorCode::internal, "thrown", thrown.what(), "see the log; report this bug"};
}

Result<void> caught(const std::function<Result<void>()>& work) noexcept {
  try {
    return work();
  } catch (const std::exception& thrown) {
    return error_of(thrown);
  }
}

}  // namespace deltadrop
