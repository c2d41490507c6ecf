#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <iterator>
#include <memory>
#include <utility>

#include "api/answers.hpp"
#include "api/caller.hpp"
#include "api/paging.hpp"
#include "api/parameters.hpp"
#include "api/route_groups.hpp"
#include "core/text.hpp"
#include "http/problem.hpp"
#include "status/progress.hpp"

namespace deltadrop::api {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::milliseconds kWaitDefault{10'000};
constexpr std::chrono::milliseconds kWaitMax{30'000};
/// The longest single wait. Short waits let the request notice that the server stops, or that another process
/// has written to the history.
constexpr std::chrono::milliseconds kWaitSlice{250};
/// The interval for polling a history that another process writes, which sends no signal.
constexpr std::chrono::milliseconds kAskAgain{25};
/// The maximum number of waiting requests. Each occupies a worker thread; there are more threads than this.
constexpr int kWaitersMax = 8;
constexpr std::int64_t kScannedMax = 10'000;

Error no_such_upload(const std::string& id) {
  return Error{ErrorCode::not_found, "no-such-upload",
               fmt::format("there is no upload {}", quoted_for_message(id)),
               "GET /api/v1/uploads lists them"};
}

Result<ingest::UploadRecord> find_upload(const Services& services, const http::Request& request) {
  const auto& text = request.parameters[0];
  const auto id = UploadId::parse(text);
  if (id.has_error()) return no_such_upload(text);
  DD_TRY(auto found, services.ingest.reader().upload(id.value()));
  if (!found) return no_such_upload(text);
  return std::move(*found);
}

std::string history_json(const history::UploadStatus& status) {
  JsonObject object;
  object.text("state", history::to_string(status.state)).number("recorded", status.recorded);
  object.number("total", status.facts.total);
  status.applied_no ? object.number("applied_no", status.applied_no->value) : object.null("applied_no");
  object.text_or_null("applied_at", text_of(status.applied_at))
      .text_or_null("in_lake_at", text_of(status.in_lake_at));
  object.text_or_null("error", status.error.empty() ? std::nullopt : std::optional(status.error));
  return object.take();
}

/// Returns the known time of each step.
std::string times_json(const ingest::UploadRecord& upload, const history::UploadStatus* status) {
  const bool was_held = !upload.outcome.hold_reasons.empty();
  return JsonObject()
      .text_or_null("received", text_of(upload.times.steps.received))
      .text_or_null("diffed", text_of(upload.times.steps.compared))
      .text_or_null("held", was_held ? std::optional(upload.times.received_at.to_string()) : std::nullopt)
      .text_or_null("accepted", text_of(upload.times.timestamp))
      .text_or_null("published", text_of(upload.times.published_at))
      .text_or_null("applied", status != nullptr ? text_of(status->applied_at) : std::nullopt)
      .text_or_null("in_lake", status != nullptr ? text_of(status->in_lake_at) : std::nullopt)
      .take();
}

http::Response upload_response(const Services& services, const ingest::UploadRecord& upload) {
  auto object = upload_json(upload);
  const auto progress = status::progress_of(upload, services.history);
  const bool in_history = progress.has_value() && progress.value().status.has_value();
  object.raw("times", times_json(upload, in_history ? &*progress.value().status : nullptr));
  object.text_or_null("expires_at", text_of(services.ingest.reader().expires_at(upload)));
  if (progress.has_value()) {
    const auto& known = progress.value();
    object.boolean("applied", known.applied).boolean("in_lake", known.in_lake);
    object.raw("history", known.status ? history_json(*known.status) : "null");
  } else {  // the history does not answer; the rest is known
    object.null("applied").null("in_lake").null("history");
  }
  if (upload.state == ingest::UploadState::held) {
    const auto path = upload_path(upload.upload_id);
    object.raw("release", JsonObject().text("method", "POST").text("path", path + "/release").take());
    object.raw("discard", JsonObject().text("method", "DELETE").text("path", path).take());
  }
  auto response = json_response(object.take());
  response.tells_errors = true;
  return response;
}

// ---- waiting

enum class Goal { none, published, applied, in_lake };

struct Wait {
  Goal goal = Goal::none;
  std::chrono::milliseconds timeout = kWaitDefault;
};

Result<Wait> wait_of(const http::Request& request) {
  Wait wait;
  const auto goal = request.query_value("wait");
  if (goal == "published") wait.goal = Goal::published;
  if (goal == "applied") wait.goal = Goal::applied;
  if (goal == "in_lake") wait.goal = Goal::in_lake;
  if (goal && wait.goal == Goal::none)
    return http::bad_parameter("wait", *goal, "published, applied or in_lake");
  if (const auto timeout = request.query_value("timeout")) {
    DD_TRY(wait.timeout, parse_duration("timeout", *timeout));
    wait.timeout = std::min(wait.timeout, kWaitMax);
  }
  return wait;
}

bool reached(const Services& services, const UploadId& id, Goal goal) {
  const auto upload = services.ingest.reader().upload(id);
  if (upload.has_error() || !upload.value()) return true;
  const auto& record = *upload.value();
  const bool moving =
      record.state == ingest::UploadState::accepted || record.state == ingest::UploadState::published;
  if (!moving) return true;  // held, discarded and expired uploads do not progress
  if (goal == Goal::published) return record.state == ingest::UploadState::published;
  const auto progress = status::progress_of(record, services.history);
  if (progress.has_error()) return false;
  return goal == Goal::applied ? progress.value().applied : progress.value().in_lake;
}

void wait_for(const Services& services, const http::Request& request, const UploadId& id, const Wait& wait) {
  const auto deadline = steady_clock::now() + wait.timeout;
  while (true) {
    const std::uint64_t seen = services.consumer != nullptr ? services.consumer->progress() : 0;
    if (reached(services, id, wait.goal) || request.server_stops() || request.stop.requested()) return;
    const auto now = steady_clock::now();
    if (now >= deadline) return;
    const auto slice = std::min(deadline, now + kWaitSlice);
    if (wait.goal == Goal::published) {
      services.ingest.publications().wait_published(id, slice);
    } else if (services.consumer == nullptr || services.consumer->wait_for_progress(seen, slice) == seen) {
      // Neither a history that another process writes nor a stopped consumer sends a signal.
      request.stop.wait_until(std::min(deadline, now + kAskAgain));
    }
  }
}

/// Counts the waiting requests.
class Waiters {
 public:
  /// One waiting request, for the lifetime of this object. take fails with unavailable "too-busy" if there
  /// are kWaitersMax.
  class Place {
   public:
    static Result<Place> take(Waiters& waiters) {
      Place place(waiters);
      if (place.number_ < kWaitersMax) return place;
      return Error{ErrorCode::unavailable, "too-busy",
                   fmt::format("{} requests wait for uploads already", kWaitersMax),
                   "ask again later, or without wait="};
    }
    Place(Place&& other) noexcept
        : waiters_(std::exchange(other.waiters_, nullptr)), number_(other.number_) {}
    Place& operator=(Place&&) = delete;
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place() {
      if (waiters_ != nullptr) waiters_->count_.fetch_sub(1);
    }

   private:
    explicit Place(Waiters& waiters) : waiters_(&waiters), number_(waiters.count_.fetch_add(1)) {}

    Waiters* waiters_;
    int number_;
  };

 private:
  std::atomic<int> count_ = 0;
};

/// Returns the response for a discarded upload: GET is 404, but the list still shows it.
http::Response discarded(const ingest::UploadRecord& upload) {
  return http::problem_with({ErrorCode::not_found, "upload-discarded",
                             fmt::format("upload {} was discarded", upload.upload_id.to_string()),
                             "GET /api/v1/uploads?state=discarded lists what it was"},
                            {{"state", "\"discarded\""}});
}

Result<http::Response> get_upload(const Services& services, Waiters& waiters, const http::Request& request) {
  DD_TRY(check_query(request, {"wait", "timeout"}));
  DD_TRY(auto wait, wait_of(request));
  DD_TRY(auto upload, find_upload(services, request));
  if (wait.goal != Goal::none) {
    DD_TRY(const auto place, Waiters::Place::take(waiters));
    wait_for(services, request, upload.upload_id, wait);
    DD_TRY(upload, find_upload(services, request));
  }
  if (upload.state == ingest::UploadState::discarded) return discarded(upload);
  return upload_response(services, upload);
}

// ---- lists

struct UploadsQuery {
  std::optional<std::string> company;
  std::optional<std::string> table;
  ingest::UploadFilter filter;
};

Result<UploadsQuery> uploads_query(const http::Request& request) {
  DD_TRY(check_query(request, {"company", "table", "state", "limit", "cursor"}));
  UploadsQuery query;
  DD_TRY(query.company, name_filter(request, "company"));
  DD_TRY(query.table, name_filter(request, "table"));
  if (query.company && query.table) {
    DD_TRY(query.filter.table, TableRef::make(*query.company, *query.table));
  }
  if (const auto text = request.query_value("state")) {
    using ingest::UploadState;
    for (const auto state : {UploadState::held, UploadState::accepted, UploadState::published,
                             UploadState::discarded, UploadState::expired}) {
      if (ingest::to_string(state) == *text) query.filter.state = state;
    }
    if (!query.filter.state)
      return http::bad_parameter("state", *text, "held, accepted, published, discarded or expired");
  }
  DD_TRY(auto cursor, cursor_of(request, "uploads", 1));
  if (cursor) {
    const auto before = UploadId::parse(cursor->front());
    if (before.has_error()) return bad_cursor();
    query.filter.before = before.value();
  }
  return query;
}

/// Lists uploads. The catalog filters only by whole tables. This function filters by a company or a table
/// name alone and scans up to kScannedMax uploads per page, so a short page may have a next one.
Result<http::Response> list_uploads(const Services& services, const http::Request& request) {
  DD_TRY(auto query, uploads_query(request));
  DD_TRY(auto page, Page::of(request));
  std::int64_t scanned = 0;
  while (true) {
    query.filter.limit = kPageMax;
    if (query.filter.table || (!query.company && !query.table)) query.filter.limit = page.to_read();
    DD_TRY(const auto batch, services.ingest.reader().uploads(query.filter));
    for (const auto& upload : batch) {
      if (page.full() || scanned == kScannedMax) {
        page.continue_at(make_cursor("uploads", {query.filter.before->to_string()}));
        return page.response("uploads");
      }
      query.filter.before = upload.upload_id;
      ++scanned;
      if (query.company && *query.company != upload.table.company_id) continue;
      if (query.table && *query.table != upload.table.table_name) continue;
      page.add(upload_json(upload).take());
    }
    if (std::ssize(batch) < query.filter.limit) return page.response("uploads");
  }
}

Result<http::Response> list_changes(const Services& services, const http::Request& request) {
  DD_TRY(check_query(request, {"limit", "cursor"}));
  DD_TRY(auto page, NumberedPage::of(request, "changes"));
  DD_TRY(const auto upload, find_upload(services, request));
  DD_TRY(services.ingest.reader().changes(
      upload.upload_id, Seq(page.first()),
      [&](Seq seq, std::string_view json) { return page.add(seq.value, json); }, request.stop));
  return page.response("changes");
}

/// Returns the versions that were accepted after a held upload was compared, with their uploads.
Result<std::string> versions_since(const Services& services, const ingest::UploadRecord& upload) {
  const Version first(upload.based_on ? upload.based_on->value + 1 : 1);
  DD_TRY(const auto versions, services.ingest.reader().versions(upload.table, first, kPageDefault));
  JsonArray list;
  for (const auto& version : versions) {
    list.raw(JsonObject()
                 .number("version", version.version->value)
                 .text("upload_id", version.upload_id.to_string())
                 .text_or_null("timestamp", text_of(version.times.timestamp))
                 .text("file_id", version.file.file_id)
                 .text("original_name", version.file.original_name)
                 .number("inserted", version.outcome.counts.inserted)
                 .number("updated", version.outcome.counts.updated)
                 .number("deleted", version.outcome.counts.deleted)
                 .take());
  }
  return list.take();
}

Result<http::Response> release_response(const Services& services, const ingest::UploadRecord& upload,
                                        const Result<ingest::UploadReport>& report,
                                        const ingest::Caller& caller) {
  if (report.has_value()) return upload_answer(report.value(), caller);
  if (report.error().type != "table-moved-on") return report.error();
  DD_TRY(const auto since, versions_since(services, upload));
  return http::problem_with(report.error(), {{"changed_since", since}});
}

Result<void> release(const Services& services, const http::Request& request, const http::Respond& respond) {
  DD_TRY(check_query(request, {}));
  DD_TRY(const auto caller, caller_of(request));
  DD_TRY(const auto upload, find_upload(services, request));
  services.ingest.intake().release(
      upload.upload_id, caller,
      [services, upload, caller, respond](const Result<ingest::UploadReport>& report) {
        respond(http::answer_of(release_response(services, upload, report, caller)));
      });
  return success();
}

Result<void> discard(const Services& services, const http::Request& request, const http::Respond& respond) {
  DD_TRY(check_query(request, {}));
  DD_TRY(const auto upload, find_upload(services, request));
  services.ingest.intake().discard(upload.upload_id, [respond](const Result<void>& discarded) {
    http::Response response;
    response.status = 204;
    respond(discarded.has_error() ? http::problem(discarded.error()) : std::move(response));
  });
  return success();
}

}  // namespace

void add_uploads_routes(std::vector<http::Route>& routes, const Services& services) {
  const auto waiters = std::make_shared<Waiters>();
  routes.push_back(handler(http::Work::catalog, {AllowedTo::readers_and_senders, Scope::company_in_query},
                           "GET", "/api/v1/uploads", std::bind_front(list_uploads, services)));
  routes.push_back(handler(http::Work::history, {AllowedTo::readers_and_senders, Scope::company_of_upload},
                           "GET", "/api/v1/uploads/{}", [services, waiters](const http::Request& request) {
                             return get_upload(services, *waiters, request);
                           }));
  routes.push_back(handler(http::Work::catalog, {AllowedTo::readers_and_senders, Scope::company_of_upload},
                           "GET", "/api/v1/uploads/{}/changes", std::bind_front(list_changes, services)));
  routes.push_back(later_handler(http::Work::change, {AllowedTo::senders, Scope::company_of_upload}, "POST",
                                 "/api/v1/uploads/{}/release", std::bind_front(release, services)));
  routes.push_back(later_handler(http::Work::change, {AllowedTo::senders, Scope::company_of_upload}, "DELETE",
                                 "/api/v1/uploads/{}", std::bind_front(discard, services)));
}

}  // namespace deltadrop::api
