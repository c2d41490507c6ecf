#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "http/server.hpp"

namespace deltadrop::api {

/// docs/openapi.yaml as JSON, with those of its operations that are among `routes`: what a process does not
/// serve is not in its description.
std::string openapi_of(const std::vector<http::Route>& routes);

/// The operations of docs/openapi.yaml as "GET /api/v1/uploads/{}", in order.
std::vector<std::string> described_operations();

/// A route's pattern, or a path of the file, with each parameter as `{}`.
std::string without_parameter_names(std::string_view path);

}  // namespace deltadrop::api
