#pragma once

#include <string>
#include <string_view>

#include "core/result.hpp"

namespace deltadrop::http {

struct ClientResponse {
  unsigned status = 0;
  std::string body;
};

/// A server of ours on this machine, and what it asks of a client.
struct ServerToAsk {
  std::string address;      ///< as in the lock file: "127.0.0.1:8000", "[::1]:8000", "https://127.0.0.1:8000"
  std::string key;          ///< "": none
  std::string certificate;  ///< PEM file: under TLS the server must show exactly this certificate
};

/// One request without a body. unavailable "no-answer" when it does not answer within a minute, or under TLS
/// is not the one expected.
Result<ClientResponse> ask(const ServerToAsk& server, std::string_view method, const std::string& target);

}  // namespace deltadrop::http
