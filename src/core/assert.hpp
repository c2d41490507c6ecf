#pragma once

namespace deltadrop {

/// Prints the failed condition and its location to stderr and aborts.
[[noreturn]] void assertion_failed(const char* condition, const char* file, int line) noexcept;

}  // namespace deltadrop

/// Checks a condition that only a bug of ours can violate. Never use it on input. It stays on in Release.
#define DD_ASSERT(condition) \
  (static_cast<bool>(condition) ? void(0) : ::deltadrop::assertion_failed(#condition, __FILE__, __LINE__))
