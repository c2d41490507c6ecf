#include "http/target.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "core/ascii.hpp"
#include "core/text.hpp"
#include "http/problem.hpp"

namespace deltadrop::http {
namespace {

bool unreserved(char c) {
  return is_alphanumeric(c) || std::string_view("._-~").find(c) != std::string_view::npos;
}

/// Removes scheme and authority from an absolute-form target: "http://host:port/path" -> "/path".
std::string_view take_authority(std::string_view text, Target& target) {
  constexpr std::string_view kSeparator = "://";
  const auto scheme_end = text.find(kSeparator);
  if (text.starts_with('/') || scheme_end == std::string_view::npos) return text;
  const auto begin = scheme_end + kSeparator.size();
  const auto path = std::min(text.find_first_of("/?", begin), text.size());
  target.scheme = text.substr(0, scheme_end);
  target.authority = text.substr(begin, path - begin);
  return path == text.size() ? std::string_view("/") : text.substr(path);
}

Result<std::vector<std::pair<std::string, std::string>>> parse_query(std::string_view text) {
  std::vector<std::pair<std::string, std::string>> query;
  while (!text.empty()) {
    const auto end = text.find('&');
    const auto part = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    if (part.empty()) continue;
    const auto equals = part.find('=');
    DD_TRY(auto name, percent_decode(part.substr(0, equals), true, "query parameter"));
    const auto raw_value = equals == std::string_view::npos ? std::string_view{} : part.substr(equals + 1);
    DD_TRY(auto value, percent_decode(raw_value, true, "query parameter"));
    query.emplace_back(std::move(name), std::move(value));
  }
  return query;
}

}  // namespace

Result<std::string> percent_decode(std::string_view text, bool plus_is_space, std::string_view what) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      const auto high = i + 2 < text.size() ? hex_value(text[i + 1]) : std::nullopt;
      const auto low = i + 2 < text.size() ? hex_value(text[i + 2]) : std::nullopt;
      if (!high || !low) {
        return bad_request(
            fmt::format("{} {} has a % without two hex digits after it", what, quoted_for_message(text)),
            "write a literal % as %25");
      }
      out += static_cast<char>(*high << 4U | *low);
      i += 2;
    } else {
      out += plus_is_space && text[i] == '+' ? ' ' : text[i];
    }
  }
  if (out.find('\0') != std::string::npos) {
    return bad_request(fmt::format("{} {} has a NUL character", what, quoted_for_message(text)),
                       "remove %00");
  }
  if (find_invalid_utf8(out) != std::string_view::npos) {
    return bad_request(fmt::format("{} {} is not UTF-8", what, quoted_for_message(text)),
                       "percent-encode the bytes of its UTF-8 encoding");
  }
  return out;
}

std::string percent_encode(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (unreserved(c)) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

Result<Target> parse_target(std::string_view text) {
  if (text.find('#') != std::string_view::npos) {
    return bad_request(fmt::format("request target {} has a fragment", quoted_for_message(text)),
                       "remove # and the text after it, or write a literal # as %23");
  }
  Target target;
  text = take_authority(text, target);
  const auto question = text.find('?');
  auto raw_path = text.substr(0, question);
  if (raw_path.empty() && question == 0) raw_path = "/";
  if (!raw_path.starts_with('/')) {
    return bad_request(fmt::format("request target {} is not a path", quoted_for_message(text)),
                       "start it with /");
  }
  if (question != std::string_view::npos) {
    DD_TRY(target.query, parse_query(text.substr(question + 1)));
  }
  raw_path.remove_prefix(1);
  target.path = "/";
  while (!raw_path.empty()) {
    const auto slash = raw_path.find('/');
    DD_TRY(auto segment, percent_decode(raw_path.substr(0, slash), false, "path"));
    if (!target.segments.empty()) target.path += '/';
    target.path += segment;
    target.segments.push_back(std::move(segment));
    if (slash == std::string_view::npos) break;
    raw_path.remove_prefix(slash + 1);
    if (raw_path.empty()) {
      target.path += '/';
      target.segments.emplace_back();
    }
  }
  return target;
}

}  // namespace deltadrop::http
