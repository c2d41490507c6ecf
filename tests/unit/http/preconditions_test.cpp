#include "http/preconditions.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace deltadrop::http {
namespace {

const std::string kTag = "\"abc\"";

Request with(const std::vector<std::pair<std::string, std::string>>& headers) {
  Request request;
  request.method = "GET";
  request.headers = headers;
  return request;
}

TEST(Preconditions, OfAGetFollowTheRfc) {
  struct Case {
    std::vector<std::pair<std::string, std::string>> headers;
    Verdict verdict;
  };
  const std::vector<Case> cases = {
      {{}, Verdict::proceed},
      {{{"if-none-match", kTag}}, Verdict::not_modified},
      {{{"if-none-match", "W/" + kTag}}, Verdict::not_modified},
      {{{"if-none-match", "\"b\" ,W/" + kTag + " "}}, Verdict::not_modified},
      {{{"if-none-match", "\"b\""}, {"if-none-match", kTag}}, Verdict::not_modified},
      {{{"if-none-match", "*"}}, Verdict::not_modified},
      {{{"if-none-match", "\"b\""}}, Verdict::proceed},
      {{{"if-none-match", "abc"}}, Verdict::proceed},
      {{{"if-none-match", "\"a,b\""}}, Verdict::proceed},
      {{{"if-none-match", "\"x, *\""}}, Verdict::proceed},
      {{{"if-none-match", ""}}, Verdict::proceed},
      {{{"if-match", kTag}}, Verdict::proceed},
      {{{"if-match", "*"}}, Verdict::proceed},
      {{{"if-match", "\"b\", " + kTag}}, Verdict::proceed},
      {{{"if-match", "\"b\""}}, Verdict::failed},
      {{{"if-match", "W/" + kTag}}, Verdict::failed},
      {{{"if-match", ""}}, Verdict::failed},
      {{{"if-match", "W/*"}}, Verdict::failed},
      {{{"if-match", kTag}, {"if-none-match", kTag}}, Verdict::not_modified},
      {{{"if-match", "\"b\""}, {"if-none-match", kTag}}, Verdict::failed},
  };
  for (const auto& one : cases) {
    const auto text =
        one.headers.empty() ? std::string() : one.headers[0].first + ": " + one.headers[0].second;
    EXPECT_EQ(evaluate_preconditions(with(one.headers), kTag), one.verdict) << text;
  }
}

}  // namespace
}  // namespace deltadrop::http
