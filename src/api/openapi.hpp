#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "http/server.hpp"

namespace deltadrop::api {

/// Returns docs/openapi.yaml as JSON, with only the operations that are among `routes`. A process does not
/// describe operations that it does not serve.
std::string openapi_of(const std::vector<http::Route>& routes);

/// Returns the operations of docs/openapi.yaml as "GET /api/v1/uploads/{}", in order.
std::vector<std::string> described_operations();

/// Returns a route's pattern, or a path of docs/openapi.yaml, with each parameter as `{}`.
std::string without_parameter_names(std::string_view path);

}  // namespace deltadrop::api
