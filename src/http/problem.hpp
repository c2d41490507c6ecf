#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "http/message.hpp"

namespace deltadrop::http {

inline constexpr std::string_view kProblemType = "application/problem+json";

/// Returns the HTTP status of an error: by its type if the table contains it, else by its code.
unsigned status_of(const Error& error);

/// A member of a problem in addition to those of RFC 9457.
struct ProblemMember {
  std::string_view name;
  std::string json;  ///< its value
};
/// Like problem, with additional members.
Response problem_with(const Error& error, std::initializer_list<ProblemMember> members);

/// Adds `instance` to a problem+json body and logs it if the status is 5xx. Does not change other responses.
void set_problem_instance(Response& response, std::string_view request_id);

/// The error for a request that violates HTTP: 400, type "bad-request".
Error bad_request(std::string message, std::string fix);

/// The error for a parameter or form field with an invalid value: 422, type "bad-parameter".
Error bad_parameter(std::string_view name, std::string_view value, std::string_view accepted);

/// Returns the response of a handler, or the problem for its error.
Response answer_of(Result<Response> result);

}  // namespace deltadrop::http
