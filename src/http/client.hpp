#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

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

/// What is asked. The body is read piece by piece while it is sent.
struct Question {
  std::string method = "GET";
  std::string target;
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::uint64_t body_bytes = 0;
  std::function<Result<std::string>()> next_body = {};  ///< the next piece; empty at the end
  std::int64_t patience_s = 60;                         ///< for each piece of the answer
};

/// Takes the body of a 2xx answer as it comes. An error ends the answer and is the call's.
using BodyUse = std::function<Result<void>(std::string_view piece)>;

/// One request on a connection of its own; with `use`, the body of a 2xx answer goes there and not into the
/// response. invalid_input "bad-url" or "bad-port" when the address is none; unavailable "no-host" when its
/// host is not found. unavailable "no-answer" when it does not answer in time, or under TLS is not the one
/// expected; unavailable "cut-off" when the answer ends before its end.
Result<ClientResponse> ask(const ServerToAsk& server, const Question& question, const BodyUse& use = {});
/// One request without a body.
Result<ClientResponse> ask(const ServerToAsk& server, std::string_view method, const std::string& target);

/// For a path's segment or a query's value: everything but A-Z a-z 0-9 - . _ ~ as %XX.
std::string percent_encoded(std::string_view text);

}  // namespace deltadrop::http
