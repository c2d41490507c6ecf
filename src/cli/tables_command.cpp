#include <memory>

#include <CLI/CLI.hpp>

#include "cli/commands.hpp"
#include "cli/listing.hpp"
#include "cli/server_requests.hpp"

namespace deltadrop::cli {
namespace {

Result<int> list(const ServerEndpoint& server, ListFormat format) {
  DD_TRY(print_list(server, "/api/v1/tables", {}, "tables", kNoLimit, format,
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
  add_format_option(*command, *format);
  command->footer(
      "Asks the running server; one with keys wants DELTADROP_KEY.\n\n"
      "Examples:\n"
      "  deltadrop tables\n"
      "  deltadrop tables --format csv");
  command->callback([flags, format, &exit_code] {
    exit_code = run_with_server(*flags, [&](const auto& server) { return list(server, *format); });
  });
}

}  // namespace deltadrop::cli
