#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include "cli/checks.hpp"
#include "cli/commands.hpp"
#include "cli/listing.hpp"
#include "cli/server_requests.hpp"

namespace deltadrop::cli {
namespace {

Result<int> list(const ServerEndpoint& server, const Query& query, ListFormat format) {
  DD_TRY(print_list(server, "/api/v1/tables", query, "tables", kNoLimit, format,
                    {{"company", "/company_id"},
                     {"table", "/table_name"},
                     {"key", "/key_column"},
                     {"rows", "/rows"},
                     {"versions", "/versions"},
                     {"last_change", "/last_upload/timestamp"}}));
  return 0;
}

}  // namespace

void add_tables_command(CLI::App& program, int& exit_code) {
  auto* command = program.add_subcommand("tables", "tables, with rows, versions and last change");
  const auto flags = add_server_options(*command);
  const auto format = std::make_shared<ListFormat>(ListFormat::text);
  const auto query = std::make_shared<Query>();
  command
      ->add_option_function<std::string>(
          "--company", [query](const std::string& company) { *query = {{"company", company}}; },
          "of one company")
      ->check(refuse_empty);
  add_format_option(*command, *format);
  command->footer(
      "Asks the running server; one with keys wants DELTADROP_KEY.\n\n"
      "Examples:\n"
      "  deltadrop tables\n"
      "  deltadrop tables --company so-financials\n"
      "  deltadrop tables --format csv");
  command->callback([flags, query, format, &exit_code] {
    exit_code = run_with_server(*flags, [&](const auto& server) { return list(server, *query, *format); });
  });
}

}  // namespace deltadrop::cli
