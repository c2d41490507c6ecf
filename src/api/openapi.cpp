#include "api/openapi.hpp"

#include <algorithm>
#include <array>
#include <set>

#include <boost/json.hpp>

#include "api/assets.hpp"

namespace deltadrop::api {
namespace {

namespace json = boost::json;

constexpr auto kMethods = std::to_array<std::pair<std::string_view, std::string_view>>(
    {{"get", "GET"}, {"post", "POST"}, {"put", "PUT"}, {"delete", "DELETE"}});

json::object document() { return json::parse(openapi_text()).as_object(); }

std::string operation_name(std::string_view method, std::string_view path) {
  return std::string(method) + " " + without_parameter_names(path);
}

}  // namespace

std::string without_parameter_names(std::string_view path) {
  std::string out;
  bool in_name = false;
  for (const char c : path) {
    if (c == '}') in_name = false;
    if (!in_name) out += c;
    if (c == '{') in_name = true;
  }
  return out;
}

std::vector<std::string> described_operations() {
  std::vector<std::string> names;
  const auto whole = document();
  for (const auto& [path, item] : whole.at("paths").as_object()) {
    for (const auto& [key, method] : kMethods) {
      if (item.as_object().contains(key)) names.push_back(operation_name(method, path));
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string openapi_of(const std::vector<http::Route>& routes) {
  std::set<std::string> served;
  for (const auto& route : routes) served.insert(operation_name(route.method, route.pattern));
  auto whole = document();
  json::object paths;
  for (auto& [path, item] : whole["paths"].as_object()) {
    auto& operations = item.as_object();
    bool any = false;
    for (const auto& [key, method] : kMethods) {
      if (!operations.contains(key)) continue;
      if (served.contains(operation_name(method, path))) {
        any = true;
      } else {
        operations.stable_erase(key);
      }
    }
    if (any) paths.emplace(path, item);
  }
  whole["paths"] = std::move(paths);
  return json::serialize(whole);
}

}  // namespace deltadrop::api
