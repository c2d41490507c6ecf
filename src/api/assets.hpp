#pragma once

#include <string_view>

/// Files that are embedded in the program.
namespace deltadrop::api {

/// Returns docs/openapi.yaml as JSON.
std::string_view openapi_text();
std::string_view swagger_ui_script();
std::string_view swagger_ui_style();

}  // namespace deltadrop::api
