#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "history/history_reader.hpp"
#include "http/message.hpp"
#include "io/time_zone.hpp"

/// The filters, the cursor and the batch reader that the event endpoints share.
namespace deltadrop::api {

/// Fails if a query parameter is neither an event filter nor one of `more`.
Result<void> check_event_query(const http::Request& request, std::initializer_list<std::string_view> more);

/// Returns the request's company, table, type, key, upload, since and until. A bare date in the last two
/// means the start of that day in `zone`.
Result<history::EventQuery> event_filters(const http::Request& request, const io::TimeZone& zone);

std::string event_cursor(const history::EventCursor& at);
/// Parses the output of event_cursor. Fails with type "bad-cursor" for any other text.
Result<history::EventCursor> parse_event_cursor(std::string_view text);

/// Reads the events that match a query in batches of some hundred kilobytes.
class EventReader {
 public:
  EventReader(history::HistoryReader& history, history::EventQuery query);

  /// Returns the next events after the last batch, at most `limit`. An empty batch means that the uploads up
  /// to `known`, which must all be applied, have no more matching events; later calls skip those uploads.
  Result<std::vector<history::AppliedEvent>> next(std::int64_t limit, AppliedNo known);

 private:
  history::HistoryReader& history_;
  history::EventQuery query_;
};

}  // namespace deltadrop::api
