#include "http/accept.hpp"

#include <gtest/gtest.h>

#include <array>

namespace deltadrop::http {
namespace {

constexpr std::array<std::string_view, 3> kOffers = {"application/json", "text/csv", "application/x-ndjson"};

Request with(std::string_view name, const std::vector<std::string>& values) {
  Request request;
  for (const auto& value : values) request.headers.emplace_back(name, value);
  return request;
}

TEST(Accept, ChoosesThePreferredType) {
  struct Case {
    std::vector<std::string> accept;
    std::size_t chosen;
  };
  const std::vector<Case> cases = {
      {{}, 0},
      {{""}, 0},
      {{"*/*"}, 0},
      {{"text/csv"}, 1},
      {{"TEXT/CSV"}, 1},
      {{"text/*"}, 1},
      {{"application/*"}, 0},
      {{"application/x-ndjson"}, 2},
      {{"text/csv; charset=utf-8"}, 1},
      {{"text/csv;q=0.5, application/x-ndjson;q=0.7"}, 2},
      {{"text/csv;q=0.5", "application/x-ndjson;q=0.7"}, 2},
      {{"text/html, application/xhtml+xml, */*;q=0.8"}, 0},
      {{"*/*;q=0.1, text/csv"}, 1},
      {{"application/json;q=0, */*"}, 1},
      {{"text/*;q=0.9, text/csv;q=0.1, application/x-ndjson;q=0.5"}, 2},
      {{"application/json, text/csv"}, 0},
      {{"text/csv ; q=1.000 , application/json;q=0.999"}, 1},
      {{"nonsense, text/csv;q=2, application/x-ndjson"}, 2},
  };
  for (const auto& each : cases) {
    const auto chosen = choose_media_type(with("accept", each.accept), kOffers);
    ASSERT_TRUE(chosen.has_value()) << each.accept.front();
    EXPECT_EQ(chosen.value(), each.chosen) << (each.accept.empty() ? "" : each.accept.front());
  }
}

TEST(Accept, NamesTheOffersIfNoneIsAcceptable) {
  for (const auto* refused :
       {"image/png", "*/*;q=0", "text/csv;q=0", "text/html", "nonsense", "application/json;q=0.0"}) {
    const auto chosen = choose_media_type(with("accept", {refused}), kOffers);
    ASSERT_TRUE(chosen.has_error()) << refused;
    EXPECT_EQ(chosen.error().type, "not-acceptable");
    EXPECT_NE(chosen.error().fix.find("application/json, text/csv, application/x-ndjson"), std::string::npos);
  }
}

}  // namespace
}  // namespace deltadrop::http
