#include "api/openapi.hpp"

#include <algorithm>

#include <boost/json.hpp>

#include "api_fixture.hpp"

namespace deltadrop::api {
namespace {

std::vector<std::string> names_of(const std::vector<http::Route>& routes) {
  std::vector<std::string> names;
  for (const auto& route : routes)
    names.push_back(route.method + " " + without_parameter_names(route.pattern));
  std::sort(names.begin(), names.end());
  return names;
}

class Openapi : public Api {
 protected:
  static std::vector<std::string> retry() { return {"POST /api/v1/dead-letters/{}/retry"}; }
};

/// Covers every route: those of `serve`, and the retry of a process that writes to the history.
TEST_F(Openapi, DescribesEveryRouteAndNothingElse) {
  auto served = names_of(all_routes({ingest, log, history, history, nullptr, clock}));
  served.push_back(retry().front());
  std::sort(served.begin(), served.end());
  EXPECT_EQ(described_operations(), served);
}

TEST_F(Openapi, IsServedWithWhatTheProcessServes) {
  const auto answer = get("/openapi.json");
  ASSERT_EQ(answer.status, 200);
  const auto document = boost::json::parse(answer.body).as_object();
  EXPECT_EQ(document.at("openapi"), "3.1.0");
  const auto& paths = document.at("paths").as_object();
  EXPECT_TRUE(paths.at("/upload").as_object().contains("post"));
  EXPECT_TRUE(paths.at("/openapi.json").as_object().contains("get"));
  EXPECT_TRUE(paths.contains("/api/v1/dead-letters/{id}"));
  EXPECT_FALSE(paths.contains("/api/v1/dead-letters/{id}/retry")) << "this process cannot retry";
  EXPECT_EQ(get("/openapi.json?x=1").status, 422);
}

TEST_F(Openapi, HasAPageThatNeedsNobodyElse) {
  const auto page = get("/docs");
  EXPECT_EQ(page.status, 200);
  EXPECT_TRUE(has(page, "<script src=\"/docs/swagger-ui-bundle.js\">"));
  EXPECT_EQ(page.body.find("http"), std::string::npos) << "nothing is fetched from elsewhere";
  EXPECT_TRUE(has(get("/docs/start.js"), "/openapi.json"));
  EXPECT_TRUE(has(get("/docs/swagger-ui-bundle.js"), "SwaggerUIBundle"));
  EXPECT_TRUE(has(get("/docs/swagger-ui.css"), ".swagger-ui"));
  EXPECT_EQ(get("/docs/other.js").status, 404);
}

}  // namespace
}  // namespace deltadrop::api
