#include <fmt/format.h>
#include <simdjson.h>

#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include "app/data_dir.hpp"
#include "cli/checks.hpp"
#include "cli/commands.hpp"
#include "cli/server_requests.hpp"
#include "cli/settings_options.hpp"
#include "cli/wanted_table.hpp"
#include "core/text.hpp"
#include "ingest/ingest.hpp"

namespace deltadrop::cli {
namespace {

struct Wanted {
  WantedTable table;
  std::int64_t from_version = 1;
};

struct Outcome {
  ingest::RepublishReport report;
  std::string server;  ///< address of the running server; empty if none runs
};

Result<ingest::RepublishRequest> request_of(const Wanted& wanted) {
  ingest::RepublishRequest request;
  request.from = Version(wanted.from_version);
  DD_TRY(request.table, wanted.table.ref());
  return request;
}

Result<ingest::RepublishReport> request_republish(const ServerEndpoint& server,
                                                  const ingest::RepublishRequest& request) {
  std::string target = fmt::format("/api/v1/republish?from_version={}", request.from.value);
  // Company and table names contain no special characters of URLs.
  if (request.table) {
    target += fmt::format("&company={}&table={}", request.table->company_id, request.table->table_name);
  }
  DD_TRY(const auto response, send_request(server, "POST", target));
  ingest::RepublishReport report;
  simdjson::dom::parser parser;
  simdjson::dom::element answer;
  if (response.status != 202 || parser.parse(response.body).get(answer) != simdjson::SUCCESS ||
      answer["tables"].get(report.tables) != simdjson::SUCCESS ||
      answer["uploads"].get(report.uploads) != simdjson::SUCCESS) {
    return refused(server, response);
  }
  return report;
}

Result<Outcome> republish(const app::Settings& settings, const Wanted& wanted) {
  DD_TRY(const auto request, request_of(wanted));
  if (const auto server = running_server(settings)) {
    DD_TRY(const auto report, request_republish(*server, request));
    return Outcome{report, server->address};
  }
  DD_TRY(const auto data_dir, app::lock_existing_data_dir(settings));
  DD_TRY(const auto report, ingest::mark_for_republish(settings.ingest, request));
  return Outcome{report, ""};
}

Result<int> run(const app::Settings& settings, const Wanted& wanted) {
  DD_TRY(const auto done, republish(settings, wanted));
  const auto& [report, server] = done;
  const auto who = server.empty() ? std::string("the next start") : "the server at " + server;
  fmt::print("{} of {}: sent again under the same event ids by {}\n", counted(report.uploads, "upload"),
             counted(report.tables, "table"), who);
  return 0;
}

}  // namespace

void add_republish_command(CLI::App& program, int& exit_code) {
  auto* command = program.add_subcommand("republish",
                                         "send accepted versions to the log again, under the same event ids");
  const auto flags = add_settings_options(*command);
  const auto wanted = std::make_shared<Wanted>();
  auto* table = add_table_arguments(*command, wanted->table);
  command->add_option("--from-version", wanted->from_version, "leave out earlier versions")
      ->needs(table)
      ->check(whole_number);
  command->footer(
      "What a consumer has already it drops, so this is always safe: the repair for whatever is missing "
      "behind\n"
      "the log. Asks the server that runs on DATA_DIR; where none does, the next one sends.\n"
      "A server with keys wants one of role admin: DELTADROP_KEY.\n\n"
      "Examples:\n"
      "  deltadrop republish\n"
      "  deltadrop republish so-financials financials --from-version 7");
  command->callback([flags, wanted, &exit_code] {
    exit_code =
        run_with_settings(*flags, [&](const app::Settings& settings) { return run(settings, *wanted); });
  });
}

}  // namespace deltadrop::cli
