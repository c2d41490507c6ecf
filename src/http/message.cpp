#include "http/message.hpp"

#include <algorithm>

namespace deltadrop::http {
namespace {

std::optional<std::string> first_named(const std::vector<std::pair<std::string, std::string>>& pairs,
                                       std::string_view name) {
  const auto found =
      std::find_if(pairs.begin(), pairs.end(), [&](const auto& pair) { return pair.first == name; });
  if (found == pairs.end()) return std::nullopt;
  return found->second;
}

}  // namespace

std::optional<std::string> Request::query_value(std::string_view name) const {
  return first_named(query, name);
}

std::optional<std::string> Request::header(std::string_view name) const { return first_named(headers, name); }

std::vector<std::string> Request::all_headers(std::string_view name) const {
  std::vector<std::string> values;
  for (const auto& [given, value] : headers) {
    if (given == name) values.push_back(value);
  }
  return values;
}

}  // namespace deltadrop::http
