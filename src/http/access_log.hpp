#pragma once

#include <chrono>
#include <string_view>

namespace deltadrop::http {

struct Served {
  std::string_view method;
  std::string_view path;  ///< without data: see path_for_log
  /// 0: the connection was lost before there was a response. 499: the client did not get all of it.
  unsigned status = 0;
  std::chrono::nanoseconds took{};
  std::string_view request_id;
  std::string_view route;  ///< its pattern; "" where there is none
};

/// One line a request: `request method=GET path=/health status=200 ms=0.4 id=...`, values escaped.
void log_request(const Served& served);
/// Why a request was answered with 5xx: its problem+json.
void log_failure(std::string_view request_id, std::string_view problem_json);
/// A response that the gate ended while it was sent.
struct TurnedAway {
  std::string_view path;  ///< as Served
  std::string_view request_id;
  std::string_view key_id;    ///< "" where the request had no key
  std::string_view key_name;  ///< of who has it
  std::string_view problem_json;
};
void log_turned_away(const TurnedAway& response);
/// For what the server itself runs into.
void log_trouble(std::string_view what);

}  // namespace deltadrop::http
