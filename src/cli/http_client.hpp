#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.hpp"

/// The HTTP/1.1 client of the command line, on libcurl.
///
/// Each request has a connection of its own, so nothing is ever sent twice. Redirects are not followed, no
/// cookies or passwords are read from files, and only http and https are spoken.
namespace deltadrop::cli {

/// A server, and how to talk to it.
struct ServerEndpoint {
  /// "http://localhost:8000", "https://data.example", "[::1]:8000". Without a scheme it is http and the port
  /// is required, as in a lock file. A name is tried with all its addresses, IPv6 and IPv4.
  std::string address;
  std::string key;  ///< API key, sent as a bearer token; "": none
  /// PEM file for https. The server must present the file's first certificate, under any name; or one that a
  /// certificate of the file has issued for the host in `address`. "": one that an authority of the system
  /// has issued for the host (SSL_CERT_FILE and SSL_CERT_DIR name others).
  std::string certificate;
  /// The server runs on this machine, so no proxy is used. A loopback address never uses one; for others
  /// http_proxy, https_proxy, all_proxy and no_proxy apply as in curl.
  bool on_this_machine = false;
};

/// A request. The body is read piece by piece while it is sent.
struct ClientRequest {
  std::string method = "GET";  ///< a GET has no body
  std::string target;          ///< path and query, percent-encoded; sent unchanged
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::uint64_t body_bytes = 0;
  std::function<Result<std::string>()> next_body = {};  ///< the next piece; empty at the end
  std::int64_t patience_s = 60;  ///< longest time in which no byte is sent or received; not a limit in total
};

struct ClientResponse {
  unsigned status = 0;
  std::string body;
  std::string redirect;  ///< the URL of a 3xx response, else empty
};

/// Receives the body of a 2xx response piece by piece. An error ends the request and becomes its result.
using BodyConsumer = std::function<Result<void>(std::string_view piece)>;

/// Sends a request and waits for its response, whatever its status. With `consume`, the body of a 2xx
/// response goes there and not into the response.
///
/// invalid_input "bad-url", "bad-port": the address is not valid. "bad-certificate": the file cannot be read.
/// "body-changed": next_body gave another number of bytes than body_bytes.
/// unavailable "no-host": the name of the host or proxy cannot be resolved. "no-answer": no connection, or no
/// response in time. "not-trusted": the server's certificate. "cut-off": the response has begun and is
/// incomplete.
Result<ClientResponse> send_request(const ServerEndpoint& server, const ClientRequest& request,
                                    const BodyConsumer& consume = {});
/// A request without a body.
Result<ClientResponse> send_request(const ServerEndpoint& server, std::string_view method,
                                    const std::string& target);

}  // namespace deltadrop::cli
