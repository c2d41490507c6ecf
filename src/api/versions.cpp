#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <iterator>
#include <memory>
#include <utility>

#include "api/answers.hpp"
#include "api/caller.hpp"
#include "api/paging.hpp"
#include "api/parameters.hpp"
#include "api/route_groups.hpp"
#include "core/ascii.hpp"
#include "core/number.hpp"
#include "http/preconditions.hpp"
#include "http/problem.hpp"
#include "http/ranges.hpp"

namespace deltadrop::api {
namespace {

Result<http::Response> list_versions(const Services& services, const http::Request& request) {
  DD_TRY(check_query(request, {"limit", "cursor"}));
  DD_TRY(auto page, NumberedPage::of(request, "versions"));
  DD_TRY(const auto table, table_of_path(request));
  DD_TRY(const auto versions,
         services.ingest.reader().versions(table, Version(page.first()), page.to_read()));
  for (const auto& upload : versions) {
    if (!page.add(upload.version.value_or(Version(0)).value, upload_json(upload).take())) break;
  }
  return page.response("versions");
}

// ---- the archived file

http::BodySource pieces_of(std::unique_ptr<ingest::ArchivedFile> file, const http::Part& part) {
  struct Rest {
    std::unique_ptr<ingest::ArchivedFile> file;
    std::uint64_t offset;
    std::uint64_t bytes;
  };
  const auto rest = std::make_shared<Rest>(Rest{std::move(file), part.first, part.bytes});
  return [rest]() -> Result<std::string> {
    DD_TRY(auto piece, rest->file->read(rest->offset, rest->bytes));
    rest->offset += piece.size();
    rest->bytes -= piece.size();
    return piece;
  };
}

http::Response no_such_range(http::Response response, std::uint64_t size) {
  const Error error{ErrorCode::invalid_input, "no-such-range",
                    fmt::format("the file has {} bytes only", size), "ask for a range that begins in it"};
  auto refused = http::problem(error);
  std::move(response.headers.begin(), response.headers.end(), std::back_inserter(refused.headers));
  refused.headers.emplace_back("Content-Range", fmt::format("bytes */{}", size));
  return refused;
}

/// One of a version's files.
struct WantedFile {
  Sha256 sha256;
  std::string_view content_type;
  std::string_view ending;
  bool is_original = false;
};

Result<WantedFile> wanted_file(const ingest::UploadRecord& upload, bool original) {
  if (!original) return WantedFile{upload.file.sha256, "text/csv", ".csv"};
  if (const auto& source = upload.file.source) {
    return WantedFile{source->sha256, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
                      ".xlsx", true};
  }
  return Error{ErrorCode::not_found, "not-a-workbook",
               fmt::format("version {} of {} was sent as CSV, not as a workbook", upload.version->value,
                           upload.table.to_string()),
               "leave original out to get the CSV"};
}

/// Returns the archived bytes or a range of them. Company and table names contain no characters that need
/// quoting.
Result<http::Response> get_file(const Services& services, const http::Request& request) {
  DD_TRY(check_query(request, {"original"}));
  DD_TRY(const bool original, flag_of(request, "original"));
  DD_TRY(const auto table, table_of_path(request));
  DD_TRY(const auto number, parse_positive("version", request.parameters[2]));
  DD_TRY(const auto upload, ingest::version_of(services.ingest.reader(), table, Version(number)));
  DD_TRY(const auto wanted, wanted_file(upload, original));
  const auto tag = fmt::format("\"{}\"", wanted.sha256.to_hex());
  http::Response response;
  response.headers = {{"ETag", tag}, {"Cache-Control", "private, immutable"}, {"Accept-Ranges", "bytes"}};
  const auto verdict = http::evaluate_preconditions(request, tag);
  if (verdict == http::Verdict::failed) {
    return http::precondition_failed(fmt::format("version {} of {}", number, table.to_string()));
  }
  if (verdict == http::Verdict::not_modified) {
    response.status = 304;
    return response;
  }
  auto& reader = services.ingest.reader();
  DD_TRY(auto file, wanted.is_original ? reader.archived_original(table, Version(number))
                                       : reader.archived_file(table, Version(number)));
  const auto size = file->bytes();
  const auto selected = http::selected_by(request, tag, size);
  if (selected.selection == http::Selection::nothing) return no_such_range(std::move(response), size);
  const auto [first, bytes] = selected.part;
  if (selected.selection == http::Selection::part) {
    response.status = 206;
    response.headers.emplace_back("Content-Range",
                                  fmt::format("bytes {}-{}/{}", first, first + bytes - 1, size));
  }
  response.content_type = wanted.content_type;
  response.headers.emplace_back("Content-Disposition",
                                fmt::format("attachment; filename=\"{}_{}_v{}{}\"", table.company_id,
                                            table.table_name, number, wanted.ending));
  response.stream_bytes = bytes;
  response.stream = pieces_of(std::move(file), selected.part);
  return response;
}

// ---- differences between two versions

struct Versions {
  Version from;
  Version to;
};

/// Parses two versions such as "2..5".
Result<Versions> parse_versions(const std::string& text) {
  constexpr std::string_view kDots = "..";
  constexpr std::size_t kDigitsMax = 18;
  const auto dots = text.find(kDots);
  const auto number = [&](std::string_view digits) -> std::optional<std::int64_t> {
    if (digits.size() > kDigitsMax || !std::all_of(digits.begin(), digits.end(), is_digit))
      return std::nullopt;
    return parse_integer<std::int64_t>(digits);
  };
  if (dots != std::string::npos) {
    const std::string_view view = text;
    const auto from = number(view.substr(0, dots));
    const auto to = number(view.substr(dots + kDots.size()));
    if (from && to) return Versions{Version(*from), Version(*to)};
  }
  return http::bad_parameter("versions", text,
                             "two version numbers with dots between, such as 2..5; 0 is the empty table");
}

std::string change_json(const EventView& change) {
  JsonObject object;
  object.number("seq", change.seq.value)
      .text("event_type", to_string(change.type))
      .text("key_column", change.key_column)
      .text("key_value", change.key_value)
      .raw("old_values", change.old_values_json.empty() ? "null" : change.old_values_json)
      .raw("new_values", change.new_values_json.empty() ? "null" : change.new_values_json);
  JsonArray changed;
  if (change.changed_columns != nullptr) {
    for (const auto column : *change.changed_columns) changed.text(column);
  }
  return object.raw("changed_columns", changed.take()).number("line", change.line.value).take();
}

JsonObject diff_json(const TableRef& table, const Versions& versions, const ingest::VersionDiff& diff) {
  const auto id_of = [](const std::optional<ingest::UploadRecord>& upload) {
    return upload ? std::optional(upload->upload_id.to_string()) : std::nullopt;
  };
  JsonObject object;
  object.text("company_id", table.company_id)
      .text("table_name", table.table_name)
      .number("from_version", versions.from.value)
      .number("to_version", versions.to.value)
      .text_or_null("from_upload_id", id_of(diff.from))
      .text_or_null("to_upload_id", id_of(diff.to))
      .number("rows_before", diff.counts.rows_before)
      .number("rows", diff.counts.rows)
      .number("inserted", diff.counts.inserted)
      .number("updated", diff.counts.updated)
      .number("deleted", diff.counts.deleted)
      .number("changes_detected", diff.counts.changes())
      .raw("schema_changes", schema_changes_json(diff.schema_changes))
      .boolean("key_changed", diff.key_changed);
  return object;
}

Result<http::Response> diff_versions(const Services& services, const http::Request& request) {
  DD_TRY(check_query(request, {"limit", "cursor"}));
  DD_TRY(auto page, NumberedPage::of(request, "diff"));
  DD_TRY(const auto table, table_of_path(request));
  DD_TRY(const auto versions, parse_versions(request.parameters[2]));
  DD_TRY(const auto diff,
         services.ingest.reader().diff_versions(
             table, versions.from, versions.to, Seq(page.first()),
             [&](const EventView& change) { return page.add(change.seq.value, change_json(change)); },
             request.stop));
  auto object = diff_json(table, versions, diff);
  return json_response(page.append_to(object, "changes").take());
}

// ---- reverts

Result<void> revert(const Services& services, const http::Request& request, const http::Respond& respond) {
  DD_TRY(check_query(request, {"to_version", "dry_run", "force"}));
  const auto to = request.query_value("to_version");
  if (!to) return http::bad_parameter("to_version", "", "the number of the version to go back to");
  ingest::RevertRequest wanted;
  DD_TRY(wanted.to.value, parse_positive("to_version", *to));
  DD_TRY(wanted.dry_run, flag_of(request, "dry_run"));
  DD_TRY(wanted.force, flag_of(request, "force"));
  DD_TRY(wanted.table, table_of_path(request));
  DD_TRY(wanted.caller, caller_of(request));
  wanted.precondition = precondition_of(request);
  services.ingest.intake().revert(
      wanted, [respond, caller = wanted.caller](const Result<ingest::SubmitOutcome>& outcome) {
        respond(submit_answer(outcome, caller));
      });
  return success();
}

}  // namespace

void add_version_routes(std::vector<http::Route>& routes, const Services& services) {
  routes.push_back(handler(http::Work::catalog, {AllowedTo::readers, Scope::company_in_path}, "GET",
                           "/api/v1/tables/{}/{}/versions", std::bind_front(list_versions, services)));
  routes.push_back(handler(http::Work::catalog, {AllowedTo::readers, Scope::company_in_path}, "GET",
                           "/api/v1/tables/{}/{}/versions/{}/file", std::bind_front(get_file, services)));
  routes.push_back(handler(http::Work::catalog, {AllowedTo::readers, Scope::company_in_path}, "GET",
                           "/api/v1/tables/{}/{}/versions/{}/diff",
                           std::bind_front(diff_versions, services)));
  routes.push_back(later_handler(http::Work::change, {AllowedTo::senders, Scope::company_in_path}, "POST",
                                 "/api/v1/tables/{}/{}/revert", std::bind_front(revert, services)));
}

}  // namespace deltadrop::api
