#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "history/history_reader.hpp"
#include "http/message.hpp"
#include "io/time_zone.hpp"

/// What the endpoints of events share: their filters, their cursor, and reading on behind it.
namespace deltadrop::api {

/// Fails on a query parameter that is neither a filter of events nor one of `more`.
Result<void> check_event_query(const http::Request& request, std::initializer_list<std::string_view> more);

/// The request's company, table, type, key, upload, since and until. A bare date in the last two means the
/// start of that day in `zone`.
Result<history::EventQuery> event_filters(const http::Request& request, const io::TimeZone& zone);

std::string event_cursor(const history::EventCursor& at);
/// What event_cursor gave; fails with "bad-cursor".
Result<history::EventCursor> parse_event_cursor(std::string_view text);

/// Events that match a query, batch by batch, each of some hundred kilobytes.
class EventReader {
 public:
  EventReader(history::HistoryReader& history, history::EventQuery query);

  /// The next ones behind the last, at most `limit`; empty: there are none among the uploads up to
  /// `known`, which are all applied, and those need not be looked at again.
  Result<std::vector<history::AppliedEvent>> next(std::int64_t limit, AppliedNo known);

 private:
  history::HistoryReader& history_;
  history::EventQuery query_;
};

}  // namespace deltadrop::api
