#pragma once

#include <chrono>
#include <string_view>

namespace deltadrop::http {

struct Served {
  std::string_view method;
  std::string_view path;  ///< without data; see path_for_log
  /// 0: the connection was lost before there was a response. 499: the client did not receive the whole
  /// response.
  unsigned status = 0;
  std::chrono::nanoseconds took{};
  std::string_view request_id;
  std::string_view route;  ///< the route's pattern, or "" if no route matched
};

/// Logs one line per request, with escaped values: `request method=GET path=/health status=200 ms=0.4 id=...`
void log_request(const Served& served);
/// Logs the problem+json of a 5xx response.
void log_failure(std::string_view request_id, std::string_view problem_json);
/// A response that the gate ended while it was being sent.
struct TurnedAway {
  std::string_view path;  ///< as in Served
  std::string_view request_id;
  std::string_view key_id;    ///< "" if the request had no key
  std::string_view key_name;  ///< the key's holder
  std::string_view problem_json;
};
void log_turned_away(const TurnedAway& response);
/// Logs a problem of the server itself.
void log_trouble(std::string_view what);

}  // namespace deltadrop::http
