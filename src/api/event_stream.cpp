#include <fmt/format.h>

#include <array>
#include <limits>
#include <memory>
#include <utility>

#include "api/event_query.hpp"
#include "api/parameters.hpp"
#include "api/route_groups.hpp"
#include "consume/board.hpp"
#include "http/accept.hpp"
#include "http/problem.hpp"
#include "status/applied_watch.hpp"

// Server-sent events: https://html.spec.whatwg.org/multipage/server-sent-events.html
namespace deltadrop::api {
namespace {

constexpr auto kTypes = std::to_array<std::string_view>({"text/event-stream"});
constexpr std::string_view kHeartbeat = ": still there\n\n";
constexpr int kRetryMs = 2000;
constexpr std::int64_t kNoLimit = std::numeric_limits<std::int64_t>::max();
constexpr history::EventCursor kBeginning{AppliedNo(0), Seq(0)};

/// Sends each event as `id`, its cursor, and `data`, its JSON. Sends `retry` and the start position as `id`
/// first, so that a client that is disconnected before the first event resumes there.
class EventStream final : public http::LiveBody {
 public:
  /// `known` is an applied_no that the history has confirmed.
  EventStream(history::HistoryReader& history, std::shared_ptr<status::AppliedWatch> watch,
              history::EventQuery query, AppliedNo known, std::optional<std::chrono::milliseconds> time_max)
      : watch_(std::move(watch)),
        time_max_(time_max),
        known_(known),
        greeting_(fmt::format("retry: {}\nid: {}\n\n", kRetryMs, event_cursor(*query.after))),
        reader_(history, std::move(query)) {}

  void on_news(std::function<void()> wake) override { listening_ = watch_->listen(std::move(wake)); }
  [[nodiscard]] std::string_view heartbeat() const override { return kHeartbeat; }
  [[nodiscard]] std::optional<std::chrono::milliseconds> time_max() const override { return time_max_; }
  [[nodiscard]] std::string farewell(std::string_view problem_json) const override {
    return fmt::format("event: error\ndata: {}\n\n", problem_json);
  }

  Result<std::string> next() override {
    auto piece = std::exchange(greeting_, {});
    const auto newest = std::max(known_, watch_->last());
    if (looked_ && newest <= known_) return piece;
    auto batch = reader_.next(kNoLimit, newest);
    if (batch.has_error()) {
      // The stream asks again at the next heartbeat, or when the watch reports that the history answers
      // again.
      if (consume::is_passing(batch.error())) return piece;
      return batch.error();
    }
    for (const auto& [applied_no, event] : batch.value()) {
      piece += "id: ";
      piece += event_cursor({applied_no, event.seq});
      piece += "\ndata: ";
      append_event_json(piece, event);  // contains no line end: JSON escapes them
      piece += "\n\n";
    }
    looked_ = batch.value().empty();
    if (looked_) known_ = newest;
    return piece;
  }

 private:
  std::shared_ptr<status::AppliedWatch> watch_;
  std::optional<std::chrono::milliseconds> time_max_;
  AppliedNo known_;      ///< everything up to here was sent, if looked_
  bool looked_ = false;  ///< the last batch was empty
  std::string greeting_;
  EventReader reader_;
  std::unique_ptr<status::AppliedWatch::Listening> listening_;  ///< last member: its callback uses the others
};

/// Returns the start of the stream: after Last-Event-ID if present, else at `after`, else now.
Result<history::EventCursor> start_of(const http::Request& request, AppliedNo last) {
  auto after = request.query_value("after").value_or("now");
  if (const auto id = request.header("last-event-id"); id && !id->empty()) {
    after = *id;
  } else if (after == "beginning") {
    return kBeginning;
  } else if (after == "now") {
    return history::EventCursor{last, Seq(kNoLimit)};
  }
  DD_TRY(const auto cursor, parse_event_cursor(after));
  if (cursor.applied_no <= last) return cursor;
  // A stream from here would skip the uploads that get these numbers later.
  return Error{ErrorCode::not_found, "bad-cursor",
               "the cursor is of another history: this one has not come as far",
               "begin again with after=beginning, or after=now"};
}

Result<http::Response> stream_events(history::HistoryReader& history, const io::TimeZone& zone,
                                     const std::shared_ptr<status::AppliedWatch>& watch,
                                     const http::Request& request) {
  DD_TRY(http::choose_media_type(request, kTypes));
  DD_TRY(check_event_query(request, {"after", "timeout"}));
  DD_TRY(auto query, event_filters(request, zone));
  DD_TRY(const auto last, history.last_applied());
  DD_TRY(query.after, start_of(request, last));
  std::optional<std::chrono::milliseconds> time_max;
  if (const auto timeout = request.query_value("timeout")) {
    DD_TRY(time_max, parse_duration("timeout", *timeout));
  }
  http::Response response;
  response.content_type = kTypes[0];
  response.headers.emplace_back("X-Accel-Buffering", "no");  // otherwise nginx buffers small responses
  response.live = std::make_shared<EventStream>(history, watch, std::move(query), last, time_max);
  return response;
}

}  // namespace

void add_event_stream_route(std::vector<http::Route>& routes, const Services& services) {
  const auto watch = std::make_shared<status::AppliedWatch>(services.history, services.consumer);
  const auto zone = services.time_zone;
  routes.push_back(handler(
      http::Work::history, {AllowedTo::readers, Scope::company_in_query}, "GET", "/api/v1/events/stream",
      [&history = services.history, watch, zone](const http::Request& request) -> Result<http::Response> {
        auto response = http::answer_of(stream_events(history, zone, watch, request));
        response.headers.emplace_back("Vary", "Accept");
        return response;
      }));
}

}  // namespace deltadrop::api
