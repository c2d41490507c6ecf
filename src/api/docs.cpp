#include <fmt/format.h>

#include <memory>
#include <string>
#include <utility>

#include "api/assets.hpp"
#include "api/openapi.hpp"
#include "api/parameters.hpp"
#include "api/route_groups.hpp"
#include "core/text.hpp"

namespace deltadrop::api {
namespace {

constexpr std::string_view kPage = R"(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Deltadrop: the API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
<link rel="icon" href="data:,">
</head>
<body>
<div id="api"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
)";

constexpr std::string_view kStart = R"(window.ui = SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#api",
  deepLinking: true,
  validatorUrl: null,
});
)";

/// All resources come from this server. Swagger UI sets styles from its script and embeds its icons as data
/// URLs.
constexpr std::string_view kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

http::Response text_response(std::string_view type, std::string_view text) {
  http::Response response;
  response.content_type = fmt::format("{}; charset=utf-8", type);
  response.body = std::string(text);
  return response;
}

Result<http::Response> page(const http::Request& request) {
  DD_TRY(check_query(request, {}));
  auto response = text_response("text/html", kPage);
  response.headers.emplace_back("Content-Security-Policy", kPolicy);
  return response;
}

Result<http::Response> file(const http::Request& request) {
  DD_TRY(check_query(request, {}));
  const auto& name = request.parameters[0];
  if (name == "start.js") return text_response("text/javascript", kStart);
  if (name == "swagger-ui-bundle.js") return text_response("text/javascript", swagger_ui_script());
  if (name == "swagger-ui.css") return text_response("text/css", swagger_ui_style());
  return Error{ErrorCode::not_found, "no-such-path",
               fmt::format("there is no file {} in /docs", quoted_for_message(name)), "open /docs"};
}

}  // namespace

void add_docs_routes(std::vector<http::Route>& routes) {
  routes.push_back(
      handler(http::Work::catalog, {AllowedTo::any_key, Scope::no_company}, "GET", "/docs", page));
  routes.push_back(
      handler(http::Work::catalog, {AllowedTo::any_key, Scope::no_company}, "GET", "/docs/{}", file));
  const auto text = std::make_shared<std::string>();
  routes.push_back(handler(http::Work::catalog, {AllowedTo::any_key, Scope::no_company}, "GET",
                           "/openapi.json", [text](const http::Request& request) -> Result<http::Response> {
                             DD_TRY(check_query(request, {}));
                             return json_response(*text);
                           }));
  *text = openapi_of(routes);
}

}  // namespace deltadrop::api
