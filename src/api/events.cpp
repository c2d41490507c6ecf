#include <array>
#include <iterator>
#include <limits>
#include <memory>
#include <utility>

#include "api/answers.hpp"
#include "api/event_query.hpp"
#include "api/paging.hpp"
#include "api/parameters.hpp"
#include "api/route_groups.hpp"
#include "http/accept.hpp"
#include "http/problem.hpp"

namespace deltadrop::api {
namespace {

/// The number of events per batch. Batches let a page of large events stop at its size limit.
constexpr std::int64_t kBatch = 100;
constexpr std::string_view kJsonLines = "application/x-ndjson";
constexpr auto kTypes = std::to_array<std::string_view>({"application/json", kJsonLines});

Result<history::EventQuery> event_query(const http::Request& request, const io::TimeZone& zone) {
  DD_TRY(check_event_query(request, {"limit", "cursor"}));
  DD_TRY(auto query, event_filters(request, zone));
  const auto cursor = request.query_value("cursor");
  if (cursor && !cursor->empty()) {
    DD_TRY(query.after, parse_event_cursor(*cursor));
  }
  return query;
}

/// Returns a page of events. `next_cursor` is null if there are no more events now. `resume_cursor` is always
/// after the page's last event, so that a client can continue from there later.
Result<http::Response> list_page(history::HistoryReader& history, const http::Request& request,
                                 history::EventQuery query) {
  DD_TRY(auto page, Page::of(request));
  std::string json;
  for (bool done = false; !done;) {
    query.limit = page.to_read(kBatch);
    DD_TRY(const auto batch, history.events(query));
    done = std::ssize(batch) < query.limit;
    for (const auto& [applied_no, event] : batch) {
      if (page.full()) {
        page.continue_at(event_cursor(*query.after));
        done = true;
        break;
      }
      json.clear();
      append_event_json(json, event);
      page.add(json);
      query.after = history::EventCursor{applied_no, event.seq};
    }
  }
  const auto position = query.after ? std::optional(event_cursor(*query.after)) : std::nullopt;
  JsonObject object;
  return json_response(page.append_to(object, "events").text_or_null("resume_cursor", position).take());
}

/// Streams all events of the uploads that are applied when the download begins, one per line.
class Download {
 public:
  Download(history::HistoryReader& history, history::EventQuery query, std::int64_t limit, AppliedNo last)
      : reader_(history, std::move(query)), left_(limit), last_(last) {}

  Result<std::string> next() {
    std::string piece;
    if (left_ == 0) return piece;
    DD_TRY(const auto batch, reader_.next(left_, last_));
    left_ -= static_cast<std::int64_t>(batch.size());
    for (const auto& [applied_no, event] : batch) {
      if (applied_no > last_) {
        left_ = 0;
        break;
      }
      append_event_json(piece, event);
      piece += '\n';
    }
    return piece;
  }

 private:
  EventReader reader_;
  std::int64_t left_;
  AppliedNo last_;
};

Result<http::Response> download(history::HistoryReader& history, const http::Request& request,
                                history::EventQuery query) {
  std::int64_t limit = std::numeric_limits<std::int64_t>::max();
  if (const auto text = request.query_value("limit")) {
    DD_TRY(limit, parse_positive("limit", *text));
  }
  DD_TRY(const auto last, history.last_applied());
  http::Response response;
  response.content_type = kJsonLines;
  response.headers.emplace_back("Content-Disposition", R"(attachment; filename="events.ndjson")");
  const auto pieces = std::make_shared<Download>(history, std::move(query), limit, last);
  response.stream = [pieces] { return pieces->next(); };
  return response;
}

Result<http::Response> list_events(history::HistoryReader& history, const io::TimeZone& zone,
                                   const http::Request& request) {
  DD_TRY(const auto chosen, http::choose_media_type(request, kTypes));
  DD_TRY(auto query, event_query(request, zone));
  return chosen == 0 ? list_page(history, request, std::move(query))
                     : download(history, request, std::move(query));
}

}  // namespace

void add_event_routes(std::vector<http::Route>& routes, const Services& services) {
  routes.push_back(
      handler(http::Work::history, {AllowedTo::readers, Scope::company_in_query}, "GET", "/api/v1/events",
              [&history = services.history,
               zone = services.time_zone](const http::Request& request) -> Result<http::Response> {
                auto response = http::answer_of(list_events(history, zone, request));
                response.headers.emplace_back("Vary", "Accept");
                return response;
              }));
}

}  // namespace deltadrop::api
