#include "http/problem.hpp"

#include <gtest/gtest.h>

namespace deltadrop::http {
namespace {

TEST(Problem, StatusComesFromTheTypeOrElseTheCode) {
  const std::vector<std::pair<Error, unsigned>> cases = {
      {{ErrorCode::invalid_input, "bad-name", "", ""}, 422},
      {{ErrorCode::not_found, "no-such-table", "", ""}, 404},
      {{ErrorCode::conflict, "key-changed", "", ""}, 409},
      {{ErrorCode::conflict, "not-held", "", ""}, 409},
      {{ErrorCode::conflict, "table-moved-on", "", ""}, 409},
      {{ErrorCode::unavailable, "io-error", "", ""}, 503},
      {{ErrorCode::unavailable, "disk-full", "", ""}, 507},
      {{ErrorCode::invalid_input, "too-large", "", ""}, 413},
      {{ErrorCode::invalid_input, "not-multipart", "", ""}, 415},
      {{ErrorCode::invalid_input, "bad-request", "", ""}, 400},
      {{ErrorCode::timed_out, "", "", ""}, 504},
      {{ErrorCode::in_doubt, "", "", ""}, 503},
      {{ErrorCode::corrupt, "", "", ""}, 500},
      {{ErrorCode::shutting_down, "", "", ""}, 503},
      {{ErrorCode::internal, "", "", ""}, 500},
  };
  for (const auto& [error, status] : cases) {
    EXPECT_EQ(status_of(error), status) << to_string(error.code) << " " << error.type;
  }
}

TEST(Problem, IsProblemJson) {
  auto response = problem({ErrorCode::conflict, "not-held", "upload \"x\" is not held", "look at it first"});
  set_problem_instance(response, "id-1");
  EXPECT_EQ(response.status, 409U);
  EXPECT_EQ(response.content_type, "application/problem+json");
  EXPECT_EQ(response.body,
            R"({"type":"/problems/not-held","title":"The upload is not held","status":409,)"
            R"("detail":"upload \"x\" is not held","fix":"look at it first","instance":"id-1"})");
}

TEST(Problem, StaysJsonForAnyMessage) {
  const auto response = problem({ErrorCode::internal, "x", "a\xFF\n\xC3", ""});
  EXPECT_NE(response.body.find("\"detail\":\"a\xEF\xBF\xBD\\n\xEF\xBF\xBD\""), std::string::npos)
      << response.body;
}

}  // namespace
}  // namespace deltadrop::http
