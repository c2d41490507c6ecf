#include "core/assert.hpp"

#include <cstdio>
#include <cstdlib>

namespace deltadrop {

void assertion_failed(const char* condition, const char* file, int line) noexcept {
  std::fprintf(stderr, "deltadrop: bug: assertion failed: %s at %s:%d\n", condition, file, line);
  std::abort();
}

}  // namespace deltadrop
