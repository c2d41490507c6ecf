#include "http/access_log.hpp"

#include <spdlog/spdlog.h>

#include "core/text.hpp"

namespace deltadrop::http {

void log_request(const Served& served) {
  const double ms = static_cast<double>(served.took.count()) / 1e6;
  spdlog::info("request method={} path={} status={} ms={:.1f} id={}", quoted_for_message(served.method),
               quoted_for_message(served.path), served.status, ms, served.request_id);
}

void log_failure(std::string_view request_id, std::string_view problem_json) {
  // JSON has no raw control characters.
  spdlog::error("request id={} failed: {}", request_id, problem_json);
}

void log_turned_away(const TurnedAway& response) {
  spdlog::warn("response path={} id={} ended while it was sent: key={} name={} {}",
               quoted_for_message(response.path), response.request_id, quoted_for_message(response.key_id),
               quoted_for_message(response.key_name), response.problem_json);
}

void log_trouble(std::string_view what) { spdlog::warn("http: {}", quoted_for_message(what)); }

}  // namespace deltadrop::http
