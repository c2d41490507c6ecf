#include <fmt/format.h>

#include <iterator>
#include <set>
#include <utility>

#include "api/answers.hpp"
#include "api/paging.hpp"
#include "api/parameters.hpp"
#include "api/record_download.hpp"
#include "api/record_view.hpp"
#include "api/route_groups.hpp"
#include "core/text.hpp"
#include "csv/options.hpp"
#include "http/accept.hpp"
#include "http/problem.hpp"

namespace deltadrop::api {
namespace {

constexpr std::int64_t kBatch = 100;

/// The start of a page of records.
struct Start {
  View view;
  std::optional<std::string> after_key;
};

Result<Start> start_of_cursor(const Services& services, const TableRef& table,
                              const std::vector<std::string>& fields) {
  if (fields[0] != table.company_id || fields[1] != table.table_name) return bad_cursor();
  Start start;
  DD_TRY(const auto version, cursor_number(fields[2], 1));
  DD_TRY(start.view.as_of.unix_ms, cursor_number(fields[3]));
  start.view.complete = fields[4] == "1";
  DD_TRY(start.view.shown, ingest::version_of(services.ingest.reader(), table, Version(version)));
  start.after_key = fields[5];
  return start;
}

std::string cursor_after(const View& view, const std::string& key) {
  const auto& shown = *view.shown;
  return make_cursor("records",
                     {shown.table.company_id, shown.table.table_name, std::to_string(shown.version->value),
                      std::to_string(view.as_of.unix_ms), view.complete ? "1" : "0", key});
}

/// Fails unless the request's version and as_of are those of the list that the cursor continues.
Result<void> check_cursor_fits(const Services& services, const View& view, const http::Request& request) {
  if (const auto version = request.query_value("version")) {
    DD_TRY(const auto number, parse_positive("version", *version));
    if (view.shown->version != Version(number)) return bad_cursor();
  }
  if (const auto as_of = request.query_value("as_of")) {
    DD_TRY(const auto time, parse_time("as_of", *as_of, io::BareDate::end_of_day, services.time_zone));
    // A list by version uses the version's own time; only its first page compares that with as_of.
    if (!request.query_value("version") && view.as_of != time) return bad_cursor();
  }
  return success();
}

/// Returns the names in `columns`, in their order, or nothing if the parameter is absent.
Result<std::optional<std::vector<std::string>>> columns_asked_for(const http::Request& request) {
  using Columns = std::optional<std::vector<std::string>>;
  const auto text = request.query_value("columns");
  if (!text) return Columns();
  constexpr std::string_view kAccepted = "column names as one CSV record, such as id,\"amount, net\"";
  auto names = csv::parse_column_list(*text);
  if (names.has_error() || names.value().empty()) return http::bad_parameter("columns", *text, kAccepted);
  const std::set<std::string> different(names.value().begin(), names.value().end());
  if (different.size() != names.value().size()) {
    return http::bad_parameter("columns", *text, "column names, each once");
  }
  return Columns(std::move(names).value());
}

/// Returns the requested columns, or all tracked columns if none are requested. Fails if the version lacks
/// one.
Result<std::vector<std::string>> columns_of(const ingest::UploadRecord& shown, const http::Request& request) {
  DD_TRY(auto asked, columns_asked_for(request));
  if (!asked) return shown.reading.tracked;
  const std::set<std::string_view> tracked(shown.reading.tracked.begin(), shown.reading.tracked.end());
  for (const auto& name : *asked) {
    if (tracked.contains(name)) continue;
    return Error{ErrorCode::invalid_input, "no-such-column",
                 fmt::format("version {} of {} has no column {}", shown.version->value,
                             shown.table.to_string(), quoted_for_message(name)),
                 fmt::format("use columns of {}", csv::format_record({shown.reading.tracked.begin(),
                                                                      shown.reading.tracked.end()}))};
  }
  return std::move(*asked);
}

/// Reads records in batches, so that a page of large records stops at its size limit.
Result<void> read_records(history::HistoryReader& history, const Start& start,
                          std::vector<std::string> columns, Page& page) {
  const auto& shown = *start.view.shown;
  history::RecordQuery query{shown.table, shown.times.effective_at.value_or(Timestamp{}), start.after_key, 0};
  ValuesReader values(std::move(columns));
  while (true) {
    query.limit = page.to_read(kBatch);
    DD_TRY(const auto batch, history.records(query));
    for (const auto& record : batch) {
      if (page.full()) {
        page.continue_at(cursor_after(start.view, *query.after_key));
        return success();
      }
      DD_TRY(const auto json, record_json(record, values));
      page.add(json);
      query.after_key = record.key;
    }
    if (std::ssize(batch) < query.limit) return success();
  }
}

Result<http::Response> list_page(const Services& services, const http::Request& request,
                                 const TableRef& table) {
  DD_TRY(auto page, Page::of(request));
  DD_TRY(const auto cursor, cursor_of(request, "records", 6));
  Start start;
  const View& view = start.view;
  if (cursor) {
    DD_TRY(start, start_of_cursor(services, table, *cursor));
    DD_TRY(check_cursor_fits(services, view, request));
  } else {
    DD_TRY(start.view, view_asked_for(services, table, request));
  }
  if (view.shown) {
    DD_TRY(auto columns, columns_of(*view.shown, request));
    DD_TRY(read_records(services.history, start, std::move(columns), page));
  }
  JsonObject object;
  page.append_to(object, "records");
  view.shown ? object.number("version", view.shown->version->value) : object.null("version");
  object.boolean("complete", view.complete).text("as_of", view.as_of.to_string());
  if (view.warning) object.texts("warnings", {*view.warning});
  return json_response(object.take());
}

Result<http::Response> download(const Services& services, const http::Request& request, const TableRef& table,
                                DownloadFormat format) {
  if (const auto cursor = request.query_value("cursor")) {
    return http::bad_parameter("cursor", *cursor, "nothing here: a download has no pages");
  }
  RecordDownload wanted;
  if (const auto limit = request.query_value("limit")) {
    if (format == DownloadFormat::parquet) {
      return http::bad_parameter("limit", *limit, "nothing here: a Parquet file has all records");
    }
    DD_TRY(wanted.limit, parse_positive("limit", *limit));
  }
  DD_TRY(wanted.view, view_asked_for(services, table, request));
  wanted.format = format;
  if (!wanted.view.shown) return nothing_to_download(table, wanted);
  DD_TRY(wanted.columns, columns_of(*wanted.view.shown, request));
  return record_download(services.history, request, std::move(wanted));
}

Result<http::Response> list_records(const Services& services, const http::Request& request) {
  DD_TRY(check_query(request, {"as_of", "version", "limit", "cursor", "columns"}));
  DD_TRY(const auto chosen, http::choose_media_type(request, kRecordTypes));
  DD_TRY(const auto table, table_of_path(request));
  if (chosen == 0) return list_page(services, request, table);
  return download(services, request, table, kDownloadFormats[chosen - 1]);
}

}  // namespace

void add_record_routes(std::vector<http::Route>& routes, const Services& services) {
  routes.push_back(handler(http::Work::history, {AllowedTo::readers, Scope::company_in_path}, "GET",
                           "/api/v1/tables/{}/{}/records",
                           [services](const http::Request& request) -> Result<http::Response> {
                             auto response = http::answer_of(list_records(services, request));
                             response.headers.emplace_back("Vary", "Accept");
                             return response;
                           }));
}

}  // namespace deltadrop::api
