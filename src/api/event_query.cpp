#include "api/event_query.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "api/paging.hpp"
#include "api/parameters.hpp"
#include "http/problem.hpp"

namespace deltadrop::api {
namespace {

constexpr std::int64_t kBatchEvents = 1024;
constexpr std::int64_t kBatchBytes = std::int64_t{256} << 10;
constexpr std::string_view kKind = "events";

}  // namespace

Result<void> check_event_query(const http::Request& request, std::initializer_list<std::string_view> more) {
  std::vector<std::string_view> known = {"company", "table", "type", "key", "upload", "since", "until"};
  known.insert(known.end(), more);
  return check_query(request, known);
}

Result<history::EventQuery> event_filters(const http::Request& request, const io::TimeZone& zone) {
  history::EventQuery query;
  DD_TRY(query.company_id, name_filter(request, "company"));
  DD_TRY(query.table_name, name_filter(request, "table"));
  query.key_value = request.query_value("key");
  if (query.key_value) {
    DD_TRY(check_key("key", *query.key_value));
  }
  if (const auto type = request.query_value("type")) {
    query.type = parse_change_type(*type);
    if (!query.type) return http::bad_parameter("type", *type, "insert, update or delete");
  }
  if (const auto upload = request.query_value("upload")) {
    DD_TRY(query.upload_id, parse_upload_id("upload", *upload));
  }
  if (const auto since = request.query_value("since")) {
    DD_TRY(query.since, parse_time("since", *since, io::BareDate::start_of_day, zone));
  }
  if (const auto until = request.query_value("until")) {
    DD_TRY(query.until, parse_time("until", *until, io::BareDate::start_of_day, zone));
  }
  return query;
}

std::string event_cursor(const history::EventCursor& at) {
  return make_cursor(kKind, {std::to_string(at.applied_no.value), std::to_string(at.seq.value)});
}

Result<history::EventCursor> parse_event_cursor(std::string_view text) {
  DD_TRY(const auto fields, parse_cursor(text, kKind, 2));
  history::EventCursor cursor;
  DD_TRY(cursor.applied_no.value, cursor_number(fields[0]));
  DD_TRY(cursor.seq.value, cursor_number(fields[1]));
  return cursor;
}

EventReader::EventReader(history::HistoryReader& history, history::EventQuery query)
    : history_(history), query_(std::move(query)) {
  query_.bytes_max = kBatchBytes;
}

Result<std::vector<history::AppliedEvent>> EventReader::next(std::int64_t limit, AppliedNo known) {
  query_.limit = std::min(limit, kBatchEvents);
  DD_TRY(auto batch, history_.events(query_));
  if (!batch.empty()) {
    query_.after = history::EventCursor{batch.back().applied_no, batch.back().event.seq};
  } else if (!query_.after || query_.after->applied_no < known) {
    query_.after = history::EventCursor{known, Seq(std::numeric_limits<std::int64_t>::max())};
  }
  return batch;
}

}  // namespace deltadrop::api
