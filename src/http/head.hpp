#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/message.hpp"

/// The rules for HTTP/1.1 heads that the HTTP library does not enforce.
namespace deltadrop::http {

/// How the end of a response's body is marked.
enum class Framing { none, length, chunked, until_close };

struct RequestHead {
  bool http_1_1 = true;
  const std::vector<std::pair<std::string, std::string>>& headers;  ///< names in lower case
};

/// Returns the header fields of a head that HeadScanner accepted: names in lower case, values without
/// surrounding blanks.
std::vector<std::pair<std::string, std::string>> header_fields_of(std::string_view head);

/// Rejects a head that two servers could interpret differently (RFC 9112 section 6.3): a Transfer-Encoding
/// other than exactly `chunked`, next to a Content-Length or in HTTP/1.0; a repeated or invalid
/// Content-Length; a Host that is missing, repeated or invalid (RFC 9110 section 7.2). Fails with
/// invalid_input, type "bad-request" or "bad-expectation". The caller must then close the connection.
Result<void> check_request_head(const RequestHead& head);

/// An authority (RFC 3986 section 3.2) without user information, which HTTP forbids (RFC 9110 section 4.2.4).
struct Authority {
  std::string host;  ///< lower case, without a trailing dot; an IPv6 address in brackets
  std::string port;  ///< digits; "" means the scheme's default
};
/// Returns nothing if `text` is not a valid authority in HTTP.
std::optional<Authority> parse_authority(std::string_view text);

enum class Transport { plain, tls };

/// Checks that this server serves the request's target. The scheme of an absolute-form target must be the
/// connection's. Its authority, or else Host, must name one of `allowed_hosts` (lower case, without port; if
/// empty, any host passes). This check stops a web page whose own name was made to resolve to this server
/// (DNS rebinding). A request without a host passes. Fails with invalid_input, type "wrong-host" or
/// "wrong-scheme".
struct RequestedOrigin {
  std::optional<std::string> scheme;     ///< of an absolute-form target
  std::optional<std::string> authority;  ///< of an absolute-form target, else Host
};
Result<void> check_requested_origin(const RequestedOrigin& requested, Transport transport,
                                    const std::vector<std::string>& allowed_hosts);

/// Rejects a request other than GET and HEAD that a page of another site sent, according to the browser:
/// Sec-Fetch-Site is neither same-origin nor none, or, without it, Origin has another authority than
/// `authority` (that of the request's target). Programs send neither field. Fails with invalid_input, type
/// "cross-site".
Result<void> check_same_site(const Request& request, const std::optional<std::string>& authority);

/// Returns an origin such as "https://host:8000": from `host` if it is a valid authority without characters
/// that are special in a shell, else from `address`, the local address of the connection.
std::string origin_of(const std::optional<std::string>& host, std::string_view address, Transport transport);

/// Adds headers for browsers: do not cache a response unless it allows that; load only our own content in a
/// page; under TLS, use only TLS for this host name.
void add_security_headers(Response& response, Transport transport);

/// Returns the client's X-Request-Id if it is 1 to 128 characters of A-Z a-z 0-9 . _ -, else a new one of 16
/// hex digits.
std::string request_id(const std::optional<std::string>& given);

/// Returns the status line and the header fields, with the final empty line. Fails with internal, type
/// "bad-header", if a name or a value could split the head.
Result<std::string> response_head(const Response& response, Framing framing, bool keep_alive,
                                  std::string_view request_id);

/// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 section 5.6.7).
std::string http_date(std::chrono::system_clock::time_point time);

/// False for 1xx, 204 and 304.
bool status_has_body(unsigned status);

}  // namespace deltadrop::http
