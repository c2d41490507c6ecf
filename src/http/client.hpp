#pragma once

#include <string>
#include <string_view>

#include "core/result.hpp"

namespace deltadrop::http {

struct ClientResponse {
  unsigned status = 0;
  std::string body;
};

/// One request without a body to a server of ours on this machine. `address` as it stands in the lock file:
/// "127.0.0.1:8000", "[::1]:8000". unavailable "no-answer" when it does not answer within a minute.
Result<ClientResponse> ask(const std::string& address, std::string_view method, const std::string& target);

}  // namespace deltadrop::http
