#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.hpp"

/// The HTTP/1.1 client of the command line, based on libcurl.
///
/// Each request uses its own connection and is never sent twice. The client does not follow redirects, reads
/// no cookies or passwords from files, and supports only http and https.
namespace deltadrop::cli {

/// A server and its connection settings.
struct ServerEndpoint {
  /// "http://localhost:8000", "https://data.example" or "[::1]:8000". Without a scheme, as in a lock file,
  /// the scheme is http and the port is required. All IPv6 and IPv4 addresses of a name are tried.
  std::string address;
  std::string key;  ///< API key, sent as a bearer token; "" sends none
  /// PEM file for https. The server must present the file's first certificate, under any name, or a
  /// certificate that one of the file's certificates has issued for the host in `address`. If empty, an
  /// authority of the system must have issued it for the host (SSL_CERT_FILE and SSL_CERT_DIR select others).
  std::string certificate;
  /// True if the server runs on this machine, so that no proxy is used. Loopback addresses never use a proxy;
  /// for others http_proxy, https_proxy, all_proxy and no_proxy apply as in curl.
  bool on_this_machine = false;
};

/// A request. The body is read in pieces while it is sent.
struct ClientRequest {
  std::string method = "GET";  ///< a GET has no body
  std::string target;          ///< path and query, percent-encoded; sent unchanged
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::uint64_t body_bytes = 0;
  std::function<Result<std::string>()> next_body = {};  ///< the next piece; empty at the end
  std::int64_t patience_s = 60;  ///< longest time without a byte sent or received; no total limit
};

struct ClientResponse {
  unsigned status = 0;
  std::string body;
  std::string redirect;  ///< the URL of a 3xx response, else empty
};

/// Receives the body of a 2xx response in pieces. An error ends the request and becomes its result.
using BodyConsumer = std::function<Result<void>(std::string_view piece)>;

/// Sends a request and waits for its response, whatever its status. With `consume`, the body of a 2xx
/// response is passed to it and not stored in the response.
///
/// Fails with invalid_input "bad-url" or "bad-port" if the address is not valid, "bad-certificate" if the
/// file cannot be read, and "body-changed" if next_body returns a number of bytes other than body_bytes.
/// Fails with unavailable "no-host" if the host or proxy cannot be resolved, "no-answer" without a connection
/// or a response in time, "not-trusted" if the server's certificate is rejected, and "cut-off" if the
/// response is incomplete.
Result<ClientResponse> send_request(const ServerEndpoint& server, const ClientRequest& request,
                                    const BodyConsumer& consume = {});
/// Sends a request without a body.
Result<ClientResponse> send_request(const ServerEndpoint& server, std::string_view method,
                                    const std::string& target);

}  // namespace deltadrop::cli
