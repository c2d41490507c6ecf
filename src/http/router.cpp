#include "http/router.hpp"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

namespace deltadrop::http {
namespace {

constexpr std::string_view kAny = "{}";
constexpr std::string_view kKey = "{key}";

bool is_parameter(std::string_view part) { return part == kAny || part == kKey; }

std::vector<std::string> split_path(std::string_view path) {
  std::vector<std::string> parts;
  path.remove_prefix(1);
  while (!path.empty()) {
    const auto slash = path.find('/');
    parts.emplace_back(path.substr(0, slash));
    path = slash == std::string_view::npos ? std::string_view{} : path.substr(slash + 1);
  }
  return parts;
}

std::optional<std::vector<std::string>> match(const std::vector<std::string>& pattern,
                                              const std::vector<std::string>& segments) {
  if (pattern.size() != segments.size()) return std::nullopt;
  std::vector<std::string> parameters;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (is_parameter(pattern[i]) ? segments[i].empty() : pattern[i] != segments[i]) return std::nullopt;
    if (is_parameter(pattern[i])) parameters.push_back(segments[i]);
  }
  return parameters;
}

}  // namespace

Router::Router(std::vector<Route> routes) {
  for (auto& route : routes) {
    auto pattern = split_path(route.pattern);
    entries_.push_back({std::move(route), std::move(pattern)});
  }
}

Router::Match Router::find(std::string_view method, const std::vector<std::string>& segments) const {
  const std::string_view wanted = method == "HEAD" ? "GET" : method;
  Match best;
  std::size_t fewest = std::numeric_limits<std::size_t>::max();
  for (const auto& entry : entries_) {
    auto parameters = match(entry.pattern, segments);
    if (!parameters) continue;
    best.allowed.push_back(entry.route.method);
    if (entry.route.method == "GET") best.allowed.emplace_back("HEAD");
    if (entry.route.method != wanted || parameters->size() >= fewest) continue;
    fewest = parameters->size();
    best.route = &entry.route;
    best.parameters = std::move(*parameters);
  }
  std::sort(best.allowed.begin(), best.allowed.end());
  best.allowed.erase(std::unique(best.allowed.begin(), best.allowed.end()), best.allowed.end());
  return best;
}

std::string path_for_log(std::string_view pattern, const std::vector<std::string>& parameters) {
  std::string path;
  std::size_t next = 0;
  for (const auto& part : split_path(pattern)) {
    path += '/';
    path += part == kAny ? parameters[next] : part;
    if (is_parameter(part)) ++next;
  }
  return path.empty() ? "/" : path;
}

}  // namespace deltadrop::http
