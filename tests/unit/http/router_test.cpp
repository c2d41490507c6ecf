#include "http/router.hpp"

#include <gtest/gtest.h>

#include <utility>

namespace deltadrop::http {
namespace {

using Parts = std::vector<std::string>;

Router sample_router() {
  std::vector<Route> routes;
  for (const auto& [method, pattern] :
       std::vector<std::pair<std::string, std::string>>{{"GET", "/"},
                                                        {"GET", "/tables/{}/records"},
                                                        {"GET", "/tables/{}/{}"},
                                                        {"PUT", "/tables/{}/{}"},
                                                        {"GET", "/tables/{}/records/{key}/history"},
                                                        {"POST", "/upload"}}) {
    routes.push_back(Route{method, pattern, {AllowedTo::readers, Scope::no_company}});
  }
  return Router(std::move(routes));
}

std::string found(std::string_view method, const Parts& segments) {
  const auto router = sample_router();
  const auto match = router.find(method, segments);
  return match.route == nullptr ? "none" : match.route->method + " " + match.route->pattern;
}

TEST(Router, FindsTheRouteWithTheFewestParameters) {
  EXPECT_EQ(found("GET", {}), "GET /");
  EXPECT_EQ(found("GET", {"tables", "acme", "records"}), "GET /tables/{}/records");
  EXPECT_EQ(found("GET", {"tables", "acme", "financials"}), "GET /tables/{}/{}");
  EXPECT_EQ(found("PUT", {"tables", "acme", "records"}), "PUT /tables/{}/{}");
  EXPECT_EQ(found("HEAD", {"tables", "acme", "records"}), "GET /tables/{}/records");
}

TEST(Router, NeverMatchesAnEmptySegment) { EXPECT_EQ(found("GET", {"tables", "", "financials"}), "none"); }

TEST(Router, ListsTheMethodsOfAPath) {
  const auto router = sample_router();
  EXPECT_EQ(router.find("DELETE", {"tables", "acme", "financials"}).allowed, (Parts{"GET", "HEAD", "PUT"}));
  EXPECT_EQ(router.find("GET", {"upload"}).allowed, (Parts{"POST"}));
  EXPECT_TRUE(router.find("GET", {"nowhere"}).allowed.empty());
}

TEST(Router, GivesTheParametersInOrder) {
  EXPECT_EQ(sample_router().find("GET", {"tables", "acme", "records", "a/b", "history"}).parameters,
            (Parts{"acme", "a/b"}));
}

TEST(PathForLog, LeavesKeysOut) {
  EXPECT_EQ(path_for_log("/tables/{}/records/{key}/history", {"acme", "FIN-0007"}),
            "/tables/acme/records/{key}/history");
  EXPECT_EQ(path_for_log("/", {}), "/");
}

}  // namespace
}  // namespace deltadrop::http
