#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "cli/checks.hpp"
#include "cli/commands.hpp"
#include "cli/listing.hpp"
#include "cli/server_requests.hpp"

namespace deltadrop::cli {
namespace {

constexpr std::int64_t kTextLimit = 100;

struct Wanted {
  Query filters;
  std::string after;
  std::int64_t limit = 0;  ///< 0: no limit given
  bool follow = false;
  ListFormat format = ListFormat::text;
};

const std::vector<ListColumn>& columns() {
  static const std::vector<ListColumn> kColumns = {
      {"timestamp", "/timestamp"}, {"company", "/company_id"}, {"table", "/table_name"},
      {"change", "/event_type"},   {"key", "/key_value"},      {"changed_columns", "/changed_columns"},
      {"version", "/version"},     {"line", "/line"},          {"upload_id", "/upload_id"}};
  return kColumns;
}

/// Returns the server's error that ended a stream, such as a revoked key.
Error ended_by(const ServerEndpoint& server, const std::string& problem_json) {
  ClientResponse response;
  response.body = problem_json;
  simdjson::dom::parser parser;
  simdjson::dom::element problem;
  std::int64_t status = 0;
  if (parser.parse(problem_json).get(problem) == simdjson::SUCCESS &&
      problem["status"].get(status) == simdjson::SUCCESS) {
    response.status = static_cast<unsigned>(status);
  }
  return refused(server, response);
}

/// Prints each event of a stream when it arrives, until the server ends it.
Result<int> follow(const ServerEndpoint& server, const Wanted& wanted) {
  Query query = wanted.filters;
  query.emplace_back("after", wanted.after);
  std::string text;
  bool is_error = false;  // whether the current event is an error
  simdjson::dom::parser parser;
  const auto take_line = [&](const std::string& line) -> Result<void> {
    constexpr std::string_view kData = "data: ";
    if (line.empty()) is_error = false;
    if (line == "event: error") is_error = true;
    if (!line.starts_with(kData)) return success();
    const auto json = line.substr(kData.size());
    if (is_error) return ended_by(server, json);
    simdjson::dom::element event;
    if (wanted.format == ListFormat::json) {
      fmt::print("{}\n", json);
    } else if (parser.parse(json).get(event) == simdjson::SUCCESS) {
      Listing listing(wanted.format, {});
      std::vector<std::string> row;
      for (const auto& column : columns()) row.push_back(text_at(event, column.pointer));
      listing.add(std::move(row));
      DD_TRY(listing.end());
    }
    std::fflush(stdout);
    return success();
  };
  DD_TRY(get_stream(server, target_of("/api/v1/events/stream", query), "text/event-stream",
                    [&](std::string_view piece) -> Result<void> {
                      text += piece;
                      for (auto end = text.find('\n'); end != std::string::npos; end = text.find('\n')) {
                        DD_TRY(take_line(text.substr(0, end)));
                        text.erase(0, end + 1);
                      }
                      return success();
                    }));
  return 0;
}

Result<int> run(const ServerEndpoint& server, const Wanted& wanted) {
  if (wanted.follow) return follow(server, wanted);
  Query query = wanted.filters;
  if (wanted.format == ListFormat::json) {
    query.emplace_back("limit", wanted.limit > 0 ? std::to_string(wanted.limit) : "");
    DD_TRY(print_stream(server, target_of("/api/v1/events", query), "application/x-ndjson"));
    return 0;
  }
  const bool text = wanted.format == ListFormat::text;
  const auto unless_given = text ? kTextLimit : kNoLimit;
  DD_TRY(const bool more,
         print_list(server, "/api/v1/events", query, "events", wanted.limit > 0 ? wanted.limit : unless_given,
                    wanted.format, columns()));
  if (more && text) fmt::print("... there are more: --limit, or --format json for all\n");
  return 0;
}

}  // namespace

void add_events_command(CLI::App& program, int& exit_code) {
  auto* command = program.add_subcommand("events", "every change, in the order in which they were applied");
  const auto flags = add_server_options(*command);
  const auto wanted = std::make_shared<Wanted>();
  const auto filter = [&](const char* option, const char* name, const char* help) {
    command->add_option_function<std::string>(
        option, [wanted, name](const std::string& value) { wanted->filters.emplace_back(name, value); },
        help);
  };
  filter("--company", "company", "of one company");
  filter("--table", "table", "of tables of this name");
  filter("--type", "type", "insert, update or delete");
  filter("--key", "key", "of rows of this key");
  filter("--upload", "upload", "of one upload_id");
  filter("--since", "since", "of files accepted at this time or later; a date means its start");
  filter("--until", "until", "of files accepted before this time; a date means its start");
  command->add_option("--limit", wanted->limit, "at most so many (100 as text, else all)")
      ->check(whole_number)
      ->type_name("N");
  auto* follow = command->add_flag("--follow", wanted->follow,
                                   "print events as they are applied, until the server ends");
  command->add_option("--after", wanted->after, "follow from `beginning`, or behind a cursor (now)")
      ->needs(follow)
      ->type_name("CURSOR");
  add_format_option(*command, wanted->format);
  command->footer(
      "Asks the running server; one with keys wants DELTADROP_KEY.\n\n"
      "Examples:\n"
      "  deltadrop events --company so-financials --type delete\n"
      "  deltadrop events --since 2025-03-01 --until 2025-04-01 --format json > march.ndjson\n"
      "  deltadrop events --follow --format json | jq .key_value");
  command->callback([flags, wanted, &exit_code] {
    exit_code = run_with_server(*flags, [&](const auto& server) { return run(server, *wanted); });
  });
}

}  // namespace deltadrop::cli
