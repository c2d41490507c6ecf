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

/// The header fields of a head that HeadScanner accepts: names in lower case, values without the blanks
/// around them.
std::vector<std::pair<std::string, std::string>> header_fields_of(std::string_view head);

/// Refuses what two servers could read differently (RFC 9112 section 6.3): a Transfer-Encoding other than
/// exactly `chunked`, one beside a Content-Length or in HTTP/1.0, a repeated or invalid Content-Length, Host
/// missing, repeated or not of RFC 9110's grammar (section 7.2). invalid_input "bad-request",
/// "bad-expectation". After a failure the connection must be closed.
Result<void> check_request_head(const RequestHead& head);

/// RFC 3986 section 3.2 without the user information, which HTTP forbids (RFC 9110 section 4.2.4).
struct Authority {
  std::string host;  ///< lower case, without a final dot; an IPv6 address in brackets
  std::string port;  ///< digits; "": the scheme's
};
/// Nothing where `text` is not an authority that HTTP allows.
std::optional<Authority> parse_authority(std::string_view text);

enum class Transport { plain, tls };

/// Checks that this server answers for the request's target: the scheme of an absolute-form target must be
/// the connection's, and its authority, else Host, must name one of `allowed_hosts` (lower case, without
/// port; empty: any host is accepted). A web page whose own name was made to resolve to this server (DNS
/// rebinding) fails this check. A request that names no host passes. invalid_input "wrong-host",
/// "wrong-scheme".
struct RequestedOrigin {
  std::optional<std::string> scheme;     ///< of an absolute-form target
  std::optional<std::string> authority;  ///< likewise, else Host
};
Result<void> check_requested_origin(const RequestedOrigin& requested, Transport transport,
                                    const std::vector<std::string>& allowed_hosts);

/// Refuses a request that changes something and was sent by another site's page, as the browser tells:
/// Sec-Fetch-Site other than same-origin or none, else an Origin with another authority than `authority`
/// (of the request's target). Programs send neither field. invalid_input "cross-site".
Result<void> check_same_site(const Request& request, const std::optional<std::string>& authority);

/// "https://host:8000": by `host` where that is a name or address with or without a port, in letters that
/// mean nothing to a shell; else by `address`, at which the connection came in.
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
