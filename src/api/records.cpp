#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "api/answers.hpp"
#include "api/parameters.hpp"
#include "api/record_download.hpp"
#include "api/record_view.hpp"
#include "api/route_groups.hpp"
#include "api/table_path.hpp"
#include "core/text.hpp"
#include "csv/options.hpp"
#include "http/accept.hpp"
#include "http/problem.hpp"

namespace deltadrop::api {
namespace {

constexpr std::int64_t kBatch = 100;

struct Page {
  View view;
  std::optional<std::string> after_key;
};

Result<Page> page_of_cursor(const Services& services, const TableRef& table,
                            const std::vector<std::string>& fields) {
  if (fields[0] != table.company_id || fields[1] != table.table_name) return bad_cursor();
  Page page;
  DD_TRY(const auto version, cursor_number(fields[2], 1));
  DD_TRY(page.view.as_of.unix_ms, cursor_number(fields[3]));
  page.view.complete = fields[4] == "1";
  DD_TRY(page.view.shown, ingest::version_of(services.ingest.reader(), table, Version(version)));
  page.after_key = fields[5];
  return page;
}

std::string cursor_behind(const Page& page, const std::string& key) {
  const auto& shown = *page.view.shown;
  return make_cursor("records",
                     {shown.table.company_id, shown.table.table_name, std::to_string(shown.version->value),
                      std::to_string(page.view.as_of.unix_ms), page.view.complete ? "1" : "0", key});
}

/// A cursor goes on with the list that it came from: what it is given along must ask for that list.
Result<void> check_cursor_fits(const View& view, const http::Request& request) {
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

/// The names in `columns`, in their order; nothing where it is not given.
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

/// The columns to show: those asked for, each of which the version must have, or all it tracks.
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

struct RecordPage {
  JsonArray items;
  std::optional<std::string> next_cursor;
};

/// Fetched in batches, so that a page of the largest records stops at its bytes and not at its count.
Result<RecordPage> read_records(history::HistoryStore& history, const Page& page,
                                std::vector<std::string> columns, std::int64_t limit) {
  const auto& shown = *page.view.shown;
  history::RecordQuery query{shown.table, shown.times.effective_at.value_or(Timestamp{}), page.after_key, 0};
  ValuesReader values(std::move(columns));
  RecordPage found;
  std::int64_t taken = 0;
  while (true) {
    query.limit = std::min(kBatch, limit - taken) + 1;  // one more tells whether there is a next page
    DD_TRY(const auto batch, history.records(query));
    for (const auto& record : batch) {
      if (taken == limit || found.items.bytes() > kPageBytesMax) {
        found.next_cursor = cursor_behind(page, *query.after_key);
        return found;
      }
      DD_TRY(const auto json, record_json(record, values));
      found.items.raw(json);
      query.after_key = record.key;
      ++taken;
    }
    if (static_cast<std::int64_t>(batch.size()) < query.limit) return found;
  }
}

Result<http::Response> list_page(const Services& services, const http::Request& request,
                                 const TableRef& table) {
  DD_TRY(const auto limit, limit_of(request));
  DD_TRY(const auto cursor, cursor_of(request, "records", 6));
  Page page;
  if (cursor) {
    DD_TRY(page, page_of_cursor(services, table, *cursor));
    DD_TRY(check_cursor_fits(page.view, request));
  } else {
    DD_TRY(page.view, view_asked_for(services, table, request));
  }
  RecordPage found;
  if (page.view.shown) {
    DD_TRY(auto columns, columns_of(*page.view.shown, request));
    DD_TRY(found, read_records(services.history, page, std::move(columns), limit));
  }
  JsonObject object;
  object.raw("records", found.items.take()).text_or_null("next_cursor", found.next_cursor);
  page.view.shown ? object.number("version", page.view.shown->version->value) : object.null("version");
  object.boolean("complete", page.view.complete).text("as_of", page.view.as_of.to_string());
  if (page.view.warning) object.texts("warnings", {*page.view.warning});
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
