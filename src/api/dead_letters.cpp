#include "consume/dead_letters.hpp"

#include <functional>
#include <string>

#include "api/answers.hpp"
#include "api/base64.hpp"
#include "api/paging.hpp"
#include "api/parameters.hpp"
#include "api/route_groups.hpp"
#include "core/text.hpp"
#include "http/problem.hpp"

namespace deltadrop::api {
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

Result<http::Response> list_dead_letters(history::HistoryWriter& history, const http::Request& request) {
  DD_TRY(check_query(request, {"limit"}));
  DD_TRY(auto page, Page::of(request));
  DD_TRY(const auto entries, history.dead_letters(page.limit()));
  for (const auto& entry : entries) page.add(dead_letter_json(entry));
  return page.response("dead_letters");
}

Result<http::Response> show_dead_letter(history::HistoryWriter& history, const http::Request& request) {
  DD_TRY(check_query(request, {}));
  DD_TRY(const auto id, history::DeadLetterId::parse(request.parameters[0]));
  DD_TRY(const auto entry, consume::find_dead_letter(history, id));
  return json_response(dead_letter_json(entry));
}

Result<http::Response> retry_dead_letter(history::HistoryWriter& history, io::Clock& clock,
                                         const http::Request& request) {
  DD_TRY(check_query(request, {}));
  DD_TRY(const auto id, history::DeadLetterId::parse(request.parameters[0]));
  DD_TRY(const auto retried, consume::retry_dead_letter(history, id, clock.now()));
  return json_response(dead_letter_json(retried.letter));
}

}  // namespace

void add_dead_letter_routes(std::vector<http::Route>& routes, history::HistoryWriter& history,
                            io::Clock& clock, Records records) {
  routes.push_back(handler(http::Work::history, {AllowedTo::readers, Scope::whole_server}, "GET",
                           "/api/v1/dead-letters", std::bind_front(list_dead_letters, std::ref(history))));
  routes.push_back(handler(http::Work::history, {AllowedTo::readers, Scope::whole_server}, "GET",
                           "/api/v1/dead-letters/{}", std::bind_front(show_dead_letter, std::ref(history))));
  if (records == Records::no) return;
  routes.push_back(handler(http::Work::history, {AllowedTo::operators, Scope::whole_server}, "POST",
                           "/api/v1/dead-letters/{}/retry",
                           std::bind_front(retry_dead_letter, std::ref(history), std::ref(clock))));
}

}  // namespace deltadrop::api
