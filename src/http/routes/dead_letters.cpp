#include "consume/dead_letters.hpp"

#include <utility>

#include "core/text.hpp"
#include "http/answers.hpp"
#include "http/parameters.hpp"
#include "http/problem.hpp"
#include "http/routes/route_groups.hpp"

namespace deltadrop::http {
namespace {

std::string dead_letter_json(const history::DeadLetterEntry& entry) {
  const auto& letter = entry.letter;
  JsonObject object;
  object.text("id", entry.id().to_string())
      .text("topic", letter.partition.topic)
      .text("topic_id", letter.identity.topic_id)
      .number("partition", letter.partition.partition.value)
      .number("log_offset", letter.offset.value)
      .text("reason", letter.reason)
      .text_or_null("upload_id",
                    letter.upload ? std::optional(letter.upload->upload_id.to_string()) : std::nullopt)
      .text("recorded_at", entry.recorded_at.to_string())
      .text_or_null("resolved_at", text_of(entry.resolved_at));
  if (find_invalid_utf8(letter.payload) == std::string_view::npos) {
    object.text("payload", letter.payload);
  } else {
    object.null("payload").text("payload_base64", base64(letter.payload));
  }
  return object.take();
}

Result<Response> list_dead_letters(history::HistoryStore& history, const Request& request) {
  DD_TRY(check_query(request, {"limit"}));
  DD_TRY(const auto limit, limit_of(request));
  DD_TRY(const auto entries, history.dead_letters(limit));
  JsonArray items;
  for (const auto& entry : entries) items.raw(dead_letter_json(entry));
  return list_response("dead_letters", items, std::nullopt);
}

Result<Response> show_dead_letter(history::HistoryStore& history, const Request& request) {
  DD_TRY(check_query(request, {}));
  DD_TRY(const auto id, history::DeadLetterId::parse(request.parameters[0]));
  DD_TRY(const auto entry, consume::find_dead_letter(history, id));
  return json_response(dead_letter_json(entry));
}

Result<Response> retry_dead_letter(history::HistoryStore& history, io::Clock& clock, const Request& request) {
  DD_TRY(check_query(request, {}));
  DD_TRY(const auto id, history::DeadLetterId::parse(request.parameters[0]));
  DD_TRY(const auto retried, consume::retry_dead_letter(history, id, clock.now()));
  return json_response(dead_letter_json(retried.letter));
}

}  // namespace

void add_dead_letter_routes(std::vector<Route>& routes, history::HistoryStore& history, io::Clock& clock,
                            Records records) {
  routes.push_back(handler(Work::history, "GET", "/api/v1/dead-letters", [&history](const Request& request) {
    return list_dead_letters(history, request);
  }));
  routes.push_back(
      handler(Work::history, "GET", "/api/v1/dead-letters/{}",
              [&history](const Request& request) { return show_dead_letter(history, request); }));
  if (records == Records::no) return;
  routes.push_back(handler(
      Work::history, "POST", "/api/v1/dead-letters/{}/retry",
      [&history, &clock](const Request& request) { return retry_dead_letter(history, clock, request); }));
}

}  // namespace deltadrop::http
