#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/message.hpp"

/// The rules of HTTP/1.1 heads that the server's library leaves to us.
namespace deltadrop::http {

/// How a response's end is told.
enum class Framing { none, length, chunked, until_close };

struct RequestHead {
  bool http_1_1 = true;
  const std::vector<std::pair<std::string, std::string>>& headers;  ///< names in lower case
};

/// Refuses what two servers could read differently (RFC 9112 section 6.3): a Transfer-Encoding other than
/// exactly `chunked`, one beside a Content-Length or in HTTP/1.0, a repeated or strange Content-Length, Host
/// missing or repeated. invalid_input "bad-request", "bad-expectation". After a failure the connection must
/// be closed.
Result<void> check_request_head(const RequestHead& head);

/// Whether Host names one of `allowed` (lower case, without port; empty: any does), which a web page that
/// makes a name of its own point here (DNS rebinding) cannot. A request without Host passes. invalid_input
/// "wrong-host".
Result<void> check_host(const std::optional<std::string>& host, const std::vector<std::string>& allowed);

enum class Transport { plain, tls };

/// "https://host:8000": by Host where that is a name or address with or without a port, in letters that mean
/// nothing to a shell; else by `address`, at which the connection came in.
std::string origin_of(const std::optional<std::string>& host, std::string_view address, Transport transport);

/// What browsers are told: answers are not kept unless they say so themselves, a page may load only what is
/// ours, under TLS this name stays under TLS.
void add_security_headers(Response& response, Transport transport);

/// The client's X-Request-Id if it is 1 to 128 of A-Z a-z 0-9 . _ -, else a new one of 16 hex digits.
std::string request_id(const std::optional<std::string>& given);

/// Status line and header fields with the empty line. Header names or values that could break the head apart
/// are `internal` "bad-header".
Result<std::string> response_head(const Response& response, Framing framing, bool keep_alive,
                                  std::string_view request_id);

/// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 section 5.6.7).
std::string http_date(std::chrono::system_clock::time_point time);

/// False for 1xx, 204 and 304.
bool status_has_body(unsigned status);

}  // namespace deltadrop::http
