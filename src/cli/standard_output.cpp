#include "cli/standard_output.hpp"

#include <poll.h>
#include <unistd.h>

namespace deltadrop::cli {

bool output_is_closed() {
  pollfd output{STDOUT_FILENO, 0, 0};
  return ::poll(&output, 1, 0) > 0 && (output.revents & POLLERR) != 0;
}

Error output_failed() {
  return {ErrorCode::unavailable, "output-failed", "standard output cannot be written",
          "see where it goes to, such as a full disk"};
}

bool need_not_be_reported(const Error& error) {
  return error.type == output_failed().type && output_is_closed();
}

}  // namespace deltadrop::cli
