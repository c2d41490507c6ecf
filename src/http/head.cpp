#include "http/head.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <random>

#include "core/ascii.hpp"
#include "core/table_ref.hpp"
#include "core/text.hpp"
#include "http/problem.hpp"

namespace deltadrop::http {
namespace {

constexpr std::size_t kRequestIdMax = 128;
constexpr std::size_t kLengthDigitsMax = 18;  ///< any number with this many digits fits std::int64_t
constexpr std::size_t kPortDigitsMax = 5;

struct Phrase {
  unsigned status;
  std::string_view text;
};

constexpr auto kPhrases = std::to_array<Phrase>({
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {206, "Partial Content"},
    {302, "Found"},
    {304, "Not Modified"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {499, "Client Closed Request"},
    {500, "Internal Server Error"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {507, "Insufficient Storage"},
});

std::string_view phrase_of(unsigned status) {
  const auto* found = std::find_if(kPhrases.begin(), kPhrases.end(),
                                   [&](const Phrase& phrase) { return phrase.status == status; });
  return found == kPhrases.end() ? "Status" : found->text;
}

bool name_character(char c) { return is_alphanumeric(c) || c == '.' || c == '_' || c == '-'; }

bool safe_name(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), name_character);
}

bool safe_value(std::string_view value) {
  return std::none_of(value.begin(), value.end(), [](char c) { return is_control(c) && c != '\t'; });
}

std::vector<std::string_view> all_named(const RequestHead& head, std::string_view name) {
  std::vector<std::string_view> values;
  for (const auto& [field, value] : head.headers) {
    if (field == name) values.emplace_back(value);
  }
  return values;
}

bool only_digits(std::string_view text) { return std::all_of(text.begin(), text.end(), is_digit); }

Result<void> check_framing(const RequestHead& head) {
  const auto lengths = all_named(head, "content-length");
  const auto encodings = all_named(head, "transfer-encoding");
  if (lengths.size() > 1) return bad_request("Content-Length is given more than once", "send it once");
  if (!lengths.empty() && !encodings.empty()) {
    return bad_request("both Content-Length and Transfer-Encoding are given", "send one of them");
  }
  if (!lengths.empty()) {
    const auto length = lengths.front();
    // RFC 9110 section 8.6: one or more digits; leading zeros are allowed.
    const auto significant = length.substr(std::min(length.find_first_not_of('0'), length.size()));
    if (length.empty() || significant.size() > kLengthDigitsMax || !only_digits(length)) {
      return bad_request(fmt::format("Content-Length {} is not a length", quoted_for_message(length)),
                         "send the body's size in bytes as decimal digits");
    }
  }
  if (encodings.empty()) return success();
  if (!head.http_1_1)
    return bad_request("HTTP/1.0 has no Transfer-Encoding", "use HTTP/1.1 or Content-Length");
  if (encodings.size() > 1 || ascii_lower(encodings.front()) != "chunked") {
    return bad_request(
        fmt::format("Transfer-Encoding {} is not supported", quoted_for_message(encodings.front())),
        "send exactly chunked, or a Content-Length");
  }
  return success();
}

}  // namespace

std::vector<std::pair<std::string, std::string>> header_fields_of(std::string_view head) {
  constexpr std::string_view kLineEnd = "\r\n";
  std::vector<std::pair<std::string, std::string>> fields;
  for (auto at = head.find(kLineEnd); at != std::string_view::npos;) {
    const auto begin = at + kLineEnd.size();
    at = head.find(kLineEnd, begin);
    const auto line = head.substr(begin, at - begin);
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    fields.emplace_back(ascii_lower(line.substr(0, colon)), trim_blanks(line.substr(colon + 1)));
  }
  return fields;
}

Result<void> check_request_head(const RequestHead& head) {
  DD_TRY(check_framing(head));
  const auto hosts = all_named(head, "host");
  if (hosts.size() > 1 || (hosts.empty() && head.http_1_1)) {
    return bad_request(hosts.empty() ? "Host is missing" : "Host is given more than once", "send it once");
  }
  if (!hosts.empty() && !parse_authority(hosts.front())) {
    return bad_request(
        fmt::format("Host {} is not a host with an optional port", quoted_for_message(hosts.front())),
        "send the host name or address of the URL, and its port after a colon");
  }
  // RFC 9110 section 10.1.1: HTTP/1.0 clients do not know interim responses.
  if (!head.http_1_1) return success();
  for (const auto expected : all_named(head, "expect")) {
    if (ascii_lower(expected) == "100-continue") continue;
    return Error{ErrorCode::invalid_input, "bad-expectation",
                 fmt::format("Expect {} is not supported", quoted_for_message(expected)),
                 "send Expect: 100-continue or no Expect"};
  }
  return success();
}

namespace {

/// RFC 3986 section 3.2.2: a reg-name, which must not be empty in HTTP.
bool is_reg_name(std::string_view text) {
  constexpr std::string_view kMarks = "-._~!$&'()*+,;=";
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      if (i + 2 >= text.size() || !hex_value(text[i + 1]) || !hex_value(text[i + 2])) return false;
      i += 2;
    } else if (!is_alphanumeric(text[i]) && kMarks.find(text[i]) == std::string_view::npos) {
      return false;
    }
  }
  return !text.empty();
}

bool is_address_6(std::string_view text) {
  in6_addr address{};
  return ::inet_pton(AF_INET6, std::string(text).c_str(), &address) == 1;
}

}  // namespace

std::optional<Authority> parse_authority(std::string_view text) {
  const bool bracketed = text.starts_with('[');
  const auto bracket = text.find(']');
  if (bracketed && bracket == std::string_view::npos) return std::nullopt;
  const auto host = bracketed ? text.substr(0, bracket + 1) : text.substr(0, text.find(':'));
  auto rest = text.substr(host.size());
  if (bracketed ? !is_address_6(host.substr(1, host.size() - 2)) : !is_reg_name(host)) return std::nullopt;
  if (!rest.empty() && rest.front() != ':') return std::nullopt;
  if (!rest.empty()) rest.remove_prefix(1);
  if (rest.size() > kPortDigitsMax || !only_digits(rest)) return std::nullopt;
  Authority authority{ascii_lower(host), std::string(rest)};
  if (authority.host.size() > 1 && authority.host.ends_with('.')) authority.host.pop_back();
  return authority;
}

Result<void> check_requested_origin(const RequestedOrigin& requested, Transport transport,
                                    const std::vector<std::string>& allowed_hosts) {
  const std::string_view scheme = transport == Transport::tls ? "https" : "http";
  if (requested.scheme && ascii_lower(*requested.scheme) != scheme) {
    return Error{ErrorCode::invalid_input, "wrong-scheme",
                 fmt::format("the scheme {} does not match this connection, which uses {}",
                             quoted_for_message(*requested.scheme), scheme),
                 fmt::format("send {}:// or only the path", scheme)};
  }
  if (!requested.authority) return success();
  const auto authority = parse_authority(*requested.authority);
  if (!authority) {
    return bad_request(fmt::format("the authority {} is not a host with an optional port",
                                   quoted_for_message(*requested.authority)),
                       "send the host name or address of the server, and its port after a colon");
  }
  const bool known = allowed_hosts.empty() || std::find(allowed_hosts.begin(), allowed_hosts.end(),
                                                        authority->host) != allowed_hosts.end();
  if (known) return success();
  return Error{
      ErrorCode::invalid_input, "wrong-host",
      fmt::format("this server does not serve the host {}", quoted_for_message(*requested.authority)),
      "use the address it listens on, or add the name to ALLOWED_HOSTS"};
}

Result<void> check_same_site(const Request& request, const std::optional<std::string>& authority) {
  if (request.method == "GET" || request.method == "HEAD") return success();
  const auto refusal = [](std::string_view field, std::string_view value) {
    return Error{ErrorCode::invalid_input, "cross-site",
                 fmt::format("{} {} shows that a page of another site sent this request", field,
                             quoted_for_message(value)),
                 "send it from a page of this server, or from a program"};
  };
  const auto sites = request.all_headers("sec-fetch-site");
  for (const auto& site : sites) {
    if (site != "same-origin" && site != "none") return refusal("Sec-Fetch-Site", site);
  }
  if (!sites.empty()) return success();
  const auto own = authority ? parse_authority(*authority) : std::nullopt;
  for (const auto& origin : request.all_headers("origin")) {
    const auto separator = origin.find("://");
    const auto given = separator == std::string::npos
                           ? std::nullopt
                           : parse_authority(std::string_view(origin).substr(separator + 3));
    // Do not compare the scheme: a proxy may have terminated TLS.
    if (!own || !given || given->host != own->host || given->port != own->port)
      return refusal("Origin", origin);
  }
  return success();
}

namespace {

/// Returns whether the host contains no characters that are special in a shell.
bool is_plain(const Authority& authority) {
  return authority.host.starts_with('[') ||
         (safe_name(authority.host) && is_alphanumeric(authority.host.front()));
}

}  // namespace

std::string origin_of(const std::optional<std::string>& host, std::string_view address, Transport transport) {
  const auto authority = host ? parse_authority(*host) : std::nullopt;
  return fmt::format("{}://{}", transport == Transport::tls ? "https" : "http",
                     authority && is_plain(*authority) ? std::string_view(*host) : address);
}

void add_security_headers(Response& response, Transport transport) {
  const auto add = [&response](std::string_view name, std::string_view value) {
    const bool given = std::any_of(response.headers.begin(), response.headers.end(),
                                   [&](const auto& field) { return field.first == name; });
    if (!given) response.headers.emplace_back(name, value);
  };
  add("Cache-Control", "no-store");
  add("Referrer-Policy", "no-referrer");
  if (response.content_type.starts_with("text/html")) {
    add("Content-Security-Policy",
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'");
  }
  if (transport == Transport::tls) add("Strict-Transport-Security", "max-age=31536000");
}

std::string request_id(const std::optional<std::string>& given) {
  if (given && given->size() <= kRequestIdMax && safe_name(*given)) return *given;
  thread_local std::mt19937_64 random{std::random_device{}()};
  return fmt::format("{:016x}", random());
}

std::string http_date(std::chrono::system_clock::time_point time) {
  constexpr auto kDays = std::to_array<std::string_view>({"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"});
  constexpr auto kMonths = std::to_array<std::string_view>(
      {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"});
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(time - day));
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT",
                     kDays[std::chrono::weekday(day).c_encoding()], unsigned{date.day()},
                     kMonths[unsigned{date.month()} - 1], int{date.year()}, clock.hours().count(),
                     clock.minutes().count(), clock.seconds().count());
}

bool status_has_body(unsigned status) { return status >= 200 && status != 204 && status != 304; }

Result<std::string> response_head(const Response& response, Framing framing, bool keep_alive,
                                  std::string_view request_id) {
  std::vector<std::pair<std::string_view, std::string>> fields;
  if (status_has_body(response.status)) fields.emplace_back("Content-Type", response.content_type);
  for (const auto& [name, value] : response.headers) fields.emplace_back(name, value);
  fields.emplace_back("X-Request-Id", request_id);
  fields.emplace_back("X-Content-Type-Options", "nosniff");
  if (framing == Framing::length) {
    const std::uint64_t body = response.stream ? response.stream_bytes.value_or(0) : response.body.size();
    fields.emplace_back("Content-Length", std::to_string(body));
  }
  if (framing == Framing::chunked) fields.emplace_back("Transfer-Encoding", "chunked");
  fields.emplace_back("Connection", keep_alive ? "keep-alive" : "close");
  std::string head = fmt::format("HTTP/1.1 {} {}\r\n", response.status, phrase_of(response.status));
  for (const auto& [name, value] : fields) {
    if (!safe_name(name) || !safe_value(value)) {
      return Error{ErrorCode::internal, "bad-header",
                   fmt::format("response header {} has the value {}", quoted_for_message(name),
                               quoted_for_message(value)),
                   ""};
    }
    head.append(name).append(": ").append(value).append("\r\n");
  }
  return head + "\r\n";
}

}  // namespace deltadrop::http
