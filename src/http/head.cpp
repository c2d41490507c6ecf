#include "http/head.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <random>

#include "core/table_ref.hpp"
#include "core/text.hpp"
#include "http/problem.hpp"

namespace deltadrop::http {
namespace {

constexpr std::size_t kRequestIdMax = 128;

struct Phrase {
  unsigned status;
  std::string_view text;
};

constexpr std::array<Phrase, 28> kPhrases = {{
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
    {413, "Content Too Large"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {507, "Insufficient Storage"},
}};

std::string_view phrase_of(unsigned status) {
  const auto* found = std::find_if(kPhrases.begin(), kPhrases.end(),
                                   [&](const Phrase& phrase) { return phrase.status == status; });
  return found == kPhrases.end() ? "Status" : found->text;
}

bool alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool name_character(char c) { return alphanumeric(c) || c == '.' || c == '_' || c == '-'; }

bool safe_name(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), name_character);
}

bool safe_value(std::string_view value) {
  return std::none_of(value.begin(), value.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t') || byte == 0x7F;
  });
}

std::vector<std::string_view> all_named(const RequestHead& head, std::string_view name) {
  std::vector<std::string_view> values;
  for (const auto& [field, value] : head.headers) {
    if (field == name) values.emplace_back(value);
  }
  return values;
}

Error refused(std::string message, std::string fix) {
  return bad_request(std::move(message), std::move(fix));
}

Result<void> check_framing(const RequestHead& head) {
  const auto lengths = all_named(head, "content-length");
  const auto encodings = all_named(head, "transfer-encoding");
  if (lengths.size() > 1) return refused("Content-Length is given more than once", "send it once");
  if (!lengths.empty() && !encodings.empty()) {
    return refused("both Content-Length and Transfer-Encoding are given", "send one of them");
  }
  if (!lengths.empty()) {
    const auto length = lengths.front();
    const bool digits =
        std::all_of(length.begin(), length.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (length.empty() || length.size() > 18 || !digits) {
      return refused(fmt::format("Content-Length {} is no length", quoted_for_message(length)),
                     "send the body's bytes in decimal");
    }
  }
  if (encodings.empty()) return success();
  if (!head.http_1_1) return refused("HTTP/1.0 has no Transfer-Encoding", "use HTTP/1.1 or Content-Length");
  if (encodings.size() > 1 || ascii_lower(encodings.front()) != "chunked") {
    return refused(
        fmt::format("Transfer-Encoding {} is not understood", quoted_for_message(encodings.front())),
        "send exactly chunked, or Content-Length");
  }
  return success();
}

}  // namespace

Result<void> check_request_head(const RequestHead& head) {
  DD_TRY(check_framing(head));
  const auto hosts = all_named(head, "host");
  if (hosts.size() > 1 || (hosts.empty() && head.http_1_1)) {
    return refused(hosts.empty() ? "Host is missing" : "Host is given more than once", "send it once");
  }
  for (const auto expected : all_named(head, "expect")) {
    if (ascii_lower(expected) == "100-continue") continue;
    return Error{ErrorCode::invalid_input, "bad-expectation",
                 fmt::format("Expect {} is not known here", quoted_for_message(expected)),
                 "expect 100-continue or nothing"};
  }
  return success();
}

Result<void> check_host(const std::optional<std::string>& host, const std::vector<std::string>& allowed) {
  if (!host || allowed.empty()) return success();
  std::string name = ascii_lower(*host);
  const auto colon = name.rfind(':');
  // "[::1]:8000" has its port behind the bracket, "[::1]" none.
  if (colon != std::string::npos && name.find(']', colon) == std::string::npos) name.resize(colon);
  if (name.ends_with('.')) name.pop_back();
  if (std::find(allowed.begin(), allowed.end(), name) != allowed.end()) return success();
  return Error{ErrorCode::invalid_input, "wrong-host",
               fmt::format("Host {} is not one that this server answers to", quoted_for_message(*host)),
               "use the address it listens on, or add the name to ALLOWED_HOSTS"};
}

namespace {

bool is_port(std::string_view text) {
  return !text.empty() && text.size() <= 5 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool is_address_6(std::string_view text) {
  return !text.empty() && text.find(':') != std::string_view::npos &&
         text.find_first_not_of("0123456789abcdefABCDEF:.") == std::string_view::npos;
}

/// Of RFC 3986's authority what a server is known by.
bool is_host_and_port(std::string_view host) {
  const auto name_end = host.starts_with('[') ? host.find(']') : host.find(':');
  if (host.starts_with('[') && name_end == std::string_view::npos) return false;
  const bool bracketed = host.starts_with('[');
  const auto name = bracketed ? host.substr(1, name_end - 1) : host.substr(0, name_end);
  const auto behind =
      name_end == std::string_view::npos ? std::string_view{} : host.substr(name_end + (bracketed ? 1 : 0));
  if (!behind.empty() && (behind.front() != ':' || !is_port(behind.substr(1)))) return false;
  return bracketed ? is_address_6(name) : safe_name(name) && alphanumeric(name.front());
}

}  // namespace

std::string origin_of(const std::optional<std::string>& host, std::string_view address, Transport transport) {
  return fmt::format("{}://{}", transport == Transport::tls ? "https" : "http",
                     host && is_host_and_port(*host) ? std::string_view(*host) : address);
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
  constexpr std::array<std::string_view, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
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
