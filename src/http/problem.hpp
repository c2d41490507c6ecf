#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "http/message.hpp"

namespace deltadrop::http {

inline constexpr std::string_view kProblemType = "application/problem+json";

/// HTTP status of an error: by its type where the table names it, else by its code.
unsigned status_of(const Error& error);

/// A member of a problem beyond those of RFC 9457.
struct ProblemMember {
  std::string_view name;
  std::string json;  ///< its value
};
/// A problem with further members.
Response problem_with(const Error& error, std::initializer_list<ProblemMember> members);

/// Adds `instance` to a problem+json body; other responses stay as they are. A failure of the server is
/// logged.
void set_problem_instance(Response& response, std::string_view request_id);

/// What is wrong with the request as HTTP: 400, type "bad-request".
Error bad_request(std::string message, std::string fix);

/// A parameter or form field with a value that it cannot have: 422, type "bad-parameter".
Error bad_parameter(std::string_view name, std::string_view value, std::string_view accepted);

/// The response of a handler, or the problem it met.
Response answer_of(Result<Response> result);

}  // namespace deltadrop::http
