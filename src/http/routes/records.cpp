#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "core/json_text.hpp"
#include "http/answers.hpp"
#include "http/parameters.hpp"
#include "http/problem.hpp"
#include "http/routes/route_groups.hpp"
#include "http/table_path.hpp"
#include "http/values_json.hpp"

namespace deltadrop::http {
namespace {

using ingest::UploadRecord;

constexpr std::int64_t kBatch = 100;

/// Which version a list of records shows. Its records are read as of the version's own effective_at: at that
/// moment they are the same for ever, whatever is applied later, so all pages of a list show one version.
struct View {
  std::optional<UploadRecord> shown;  ///< none: before the first applied version
  bool complete = true;               ///< nothing accepted that belongs to the view waits to be applied
  Timestamp as_of;
};

Result<std::optional<UploadRecord>> version_if_in_time(ingest::Ingest& ingest, const TableRef& table,
                                                       Version version, Timestamp as_of) {
  DD_TRY(auto found, ingest.versions(table, version, 1));
  const bool there = !found.empty() && found.front().version == version;
  if (!there || found.front().effective_at.value_or(Timestamp{}) > as_of)
    return std::optional<UploadRecord>();
  return std::optional(std::move(found.front()));
}

/// The last accepted version with effective_at <= as_of. effective_at grows with the version, so this is a
/// search by doubling, then by halving.
Result<std::optional<UploadRecord>> version_at(ingest::Ingest& ingest, const TableRef& table,
                                               Timestamp as_of) {
  std::optional<UploadRecord> best;
  std::int64_t beyond = 1;
  while (true) {
    DD_TRY(auto found, version_if_in_time(ingest, table, Version(beyond), as_of));
    if (!found) break;
    best = std::move(found);
    beyond *= 2;
  }
  std::int64_t within = best ? best->version->value : 0;
  while (beyond - within > 1) {
    const auto middle = within + (beyond - within) / 2;
    DD_TRY(auto found, version_if_in_time(ingest, table, Version(middle), as_of));
    if (found) {
      best = std::move(found);
      within = middle;
    } else {
      beyond = middle;
    }
  }
  return best;
}

/// `accepted`, or the last version before it that is applied.
Result<View> view_of(const Services& services, std::optional<UploadRecord> accepted, Timestamp as_of) {
  View view;
  view.as_of = as_of;
  view.shown = std::move(accepted);
  while (view.shown) {
    DD_TRY(const auto progress, progress_of(*view.shown, services.history));
    if (progress.applied) break;
    view.complete = false;
    const auto version = *view.shown->version;
    const auto table = view.shown->table;
    view.shown.reset();
    if (version.value > 1) {
      DD_TRY(view.shown, version_of(services.ingest, table, Version(version.value - 1)));
    }
  }
  return view;
}

/// A version that is asked for by its number is shown or refused, never an older one in its place.
Result<View> view_of_version(const Services& services, UploadRecord accepted) {
  DD_TRY(const auto progress, progress_of(accepted, services.history));
  if (!progress.applied) {
    return Error{
        ErrorCode::conflict, "not-applied-yet",
        fmt::format("version {} of {} (upload {}) is accepted but not applied", accepted.version->value,
                    accepted.table.to_string(), accepted.upload_id.to_string()),
        fmt::format("wait with GET {}?wait=applied, then ask again; without version= you get the "
                    "last applied one",
                    upload_path(accepted.upload_id))};
  }
  View view;
  view.as_of = accepted.effective_at.value_or(Timestamp{});
  view.shown = std::move(accepted);
  return view;
}

struct Page {
  View view;
  std::optional<std::string> after_key;
};

Result<Page> page_of_cursor(const Services& services, const TableRef& table,
                            const std::vector<std::string>& fields) {
  if (fields[4] != table.company_id || fields[5] != table.table_name) return bad_cursor();
  Page page;
  DD_TRY(const auto version, cursor_number(fields[0], 1));
  DD_TRY(page.view.as_of.unix_ms, cursor_number(fields[1]));
  page.view.complete = fields[2] == "1";
  DD_TRY(page.view.shown, version_of(services.ingest, table, Version(version)));
  page.after_key = fields[3];
  return page;
}

/// A cursor goes on with the list that it came from: what it is given along must ask for that list.
Result<void> check_cursor_fits(const View& view, const Request& request) {
  if (const auto version = request.query_value("version")) {
    DD_TRY(const auto number, parse_positive("version", *version));
    if (view.shown->version != Version(number)) return bad_cursor();
  }
  if (const auto as_of = request.query_value("as_of")) {
    DD_TRY(const auto time, parse_time("as_of", *as_of));
    if (view.as_of != time) return bad_cursor();
  }
  return success();
}

/// A version and a time that are both asked for must name the same rows.
Result<void> check_held_then(ingest::Ingest& ingest, const UploadRecord& version, const std::string& as_of) {
  DD_TRY(const auto time, parse_time("as_of", as_of));
  DD_TRY(const auto held, version_at(ingest, version.table, time));
  if (held && held->version == version.version) return success();
  const auto then = held ? fmt::format("version {}", held->version->value) : std::string("no version");
  return Error{ErrorCode::conflict, "other-version-then",
               fmt::format("at {} {} of {} held, not version {}", time.to_string(), then,
                           version.table.to_string(), version.version->value),
               "give as_of or version alone"};
}

Result<Page> first_page(const Services& services, const TableRef& table, const Request& request) {
  const auto as_of = request.query_value("as_of");
  const auto version = request.query_value("version");
  Page page;
  if (version) {
    DD_TRY(const auto number, parse_positive("version", *version));
    DD_TRY(auto accepted, version_of(services.ingest, table, Version(number)));
    if (as_of) {
      DD_TRY(check_held_then(services.ingest, accepted, *as_of));
    }
    DD_TRY(page.view, view_of_version(services, std::move(accepted)));
    return page;
  }
  // The present is the last version, also where its time is a little ahead of the clock (see UploadRecord).
  Timestamp time{std::numeric_limits<std::int64_t>::max()};
  if (as_of) {
    DD_TRY(time, parse_time("as_of", *as_of));
  }
  DD_TRY(auto accepted, version_at(services.ingest, table, time));
  if (!as_of) {
    const auto last = accepted ? accepted->effective_at.value_or(Timestamp{}) : Timestamp{};
    time = std::max(services.clock.now(), last);
  }
  DD_TRY(page.view, view_of(services, std::move(accepted), time));
  return page;
}

Result<std::string> record_json(const history::StoredRecord& record,
                                const std::vector<std::string>& columns) {
  DD_TRY(const auto values, project_values(record.data_json, columns));
  return JsonObject()
      .text("key", record.key)
      .raw("values", values)
      .text("valid_from", record.valid_from.to_string())
      .text_or_null("valid_to", text_of(record.valid_to))
      .number("version", record.version.value)
      .text("upload_id", record.upload_id.to_string())
      .take();
}

struct RecordPage {
  JsonArray items;
  std::optional<std::string> next_cursor;
};

/// Fetched in batches, so that a page of the largest records stops at its bytes and not at its count.
Result<RecordPage> read_records(history::HistoryStore& history, const Page& page, std::int64_t limit) {
  const auto& shown = *page.view.shown;
  history::RecordQuery query{shown.table, shown.effective_at.value_or(Timestamp{}), page.after_key, 0};
  RecordPage found;
  std::int64_t taken = 0;
  while (true) {
    query.limit = std::min(kBatch, limit - taken) + 1;  // one more tells whether there is a next page
    DD_TRY(const auto batch, history.records(query));
    for (const auto& record : batch) {
      if (taken == limit || found.items.bytes() > kPageBytesMax) {
        found.next_cursor =
            make_cursor("records", {std::to_string(shown.version->value),
                                    std::to_string(page.view.as_of.unix_ms), page.view.complete ? "1" : "0",
                                    *query.after_key, shown.table.company_id, shown.table.table_name});
        return found;
      }
      DD_TRY(const auto json, record_json(record, shown.tracked));
      found.items.raw(json);
      query.after_key = record.key;
      ++taken;
    }
    if (static_cast<std::int64_t>(batch.size()) < query.limit) return found;
  }
}

Result<Response> list_records(const Services& services, const Request& request) {
  DD_TRY(check_query(request, {"as_of", "version", "limit", "cursor"}));
  DD_TRY(const auto limit, limit_of(request));
  DD_TRY(const auto cursor, cursor_of(request, "records", 6));
  DD_TRY(const auto table, table_of_path(request));
  Page page;
  if (cursor) {
    DD_TRY(page, page_of_cursor(services, table, *cursor));
    DD_TRY(check_cursor_fits(page.view, request));
  } else {
    DD_TRY(page, first_page(services, table, request));
  }
  RecordPage found;
  if (page.view.shown) {
    DD_TRY(found, read_records(services.history, page, limit));
  }
  JsonObject object;
  object.raw("records", found.items.take()).text_or_null("next_cursor", found.next_cursor);
  page.view.shown ? object.number("version", page.view.shown->version->value) : object.null("version");
  object.boolean("complete", page.view.complete).text("as_of", page.view.as_of.to_string());
  return json_response(object.take());
}

// ---- one key's history
// -------------------------------------------------------------------------------------------

/// `next` is the change after this one, if there is any: it ends what this one began.
std::string history_entry_json(const history::AppliedEvent& applied, const history::AppliedEvent* next) {
  const auto& event = applied.event;
  const auto valid_to = next == nullptr ? std::nullopt : std::optional(next->event.upload.effective_at);
  return JsonObject()
      .text("event_type", to_string(event.type))
      .texts("changed_columns", event.changed_columns)
      .text("key", event.key_value)
      .raw("values", event.new_values_json.empty() ? "null" : event.new_values_json)
      .text("valid_from", event.upload.effective_at.to_string())
      .text_or_null("valid_to", text_of(valid_to))
      .number("version", event.upload.version.value)
      .text("upload_id", event.upload.upload_id.to_string())
      .text("file_id", event.upload.file_id)
      .number("line", event.line.value)
      .text("event_id", event.event_id.to_string())
      .take();
}

Result<Response> key_history(const Services& services, const Request& request, const std::string& key) {
  DD_TRY(check_key("key", key));
  DD_TRY(const auto limit, limit_of(request));
  DD_TRY(const auto cursor, cursor_of(request, "history", 2));
  history::EventCursor after{AppliedNo(0), Seq(0)};
  if (cursor) {
    DD_TRY(after.applied_no.value, cursor_number(cursor->at(0)));
    DD_TRY(after.seq.value, cursor_number(cursor->at(1)));
  }
  DD_TRY(const auto table, table_of_path(request));
  DD_TRY(services.ingest.versions(table, Version(1),
                                  1));  // an unknown table is 404, an unknown key has no history
  DD_TRY(const auto changes, services.history.key_history(table, key));
  JsonArray items;
  std::int64_t taken = 0;
  history::EventCursor last = after;
  for (std::size_t i = 0; i < changes.size(); ++i) {
    const history::EventCursor at{changes[i].applied_no, changes[i].event.seq};
    if (at <= after) continue;
    if (taken == limit || items.bytes() > kPageBytesMax) {
      return list_response(
          "history", items,
          make_cursor("history", {std::to_string(last.applied_no.value), std::to_string(last.seq.value)}));
    }
    items.raw(history_entry_json(changes[i], i + 1 < changes.size() ? &changes[i + 1] : nullptr));
    last = at;
    ++taken;
  }
  return list_response("history", items, std::nullopt);
}

Result<Response> history_by_path(const Services& services, const Request& request) {
  DD_TRY(check_query(request, {"limit", "cursor"}));
  return key_history(services, request, request.parameters[2]);
}

/// For keys that do not fit into a path.
Result<Response> history_by_query(const Services& services, const Request& request) {
  DD_TRY(check_query(request, {"key", "limit", "cursor"}));
  const auto key = request.query_value("key");
  return key_history(services, request, key.value_or(""));
}

}  // namespace

void add_record_routes(std::vector<Route>& routes, const Services& services) {
  const auto add = [&](const std::string& pattern, auto function) {
    routes.push_back(
        handler("GET", "/api/v1/tables/{}/{}/records" + pattern,
                [services, function](const Request& request) { return function(services, request); }));
  };
  add("", list_records);
  add("/{key}/history", history_by_path);
  add("/history", history_by_query);
}

}  // namespace deltadrop::http
