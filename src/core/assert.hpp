#pragma once

namespace deltadrop {

/// Prints what does not hold and where, and aborts.
[[noreturn]] void assertion_failed(const char* condition, const char* file, int line) noexcept;

}  // namespace deltadrop

/// For our own bugs only, never on input; stays on in Release.
#define DD_ASSERT(condition) \
  (static_cast<bool>(condition) ? void(0) : ::deltadrop::assertion_failed(#condition, __FILE__, __LINE__))
