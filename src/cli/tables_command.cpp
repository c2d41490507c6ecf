#include <fmt/format.h>

#include <limits>
#include <memory>

#include <CLI/CLI.hpp>

#include "cli/commands.hpp"
#include "cli/listing.hpp"
#include "cli/server_questions.hpp"

namespace deltadrop::cli {
namespace {

Result<int> list(const http::ServerToAsk& server, ListFormat format) {
  Listing listing(format == ListFormat::json ? ListFormat::text : format,
                  {"company", "table", "key", "rows", "versions", "last_change"});
  DD_TRY(get_list(server, "/api/v1/tables", {}, "tables", std::numeric_limits<std::int64_t>::max(),
                  [&](simdjson::dom::element table) -> Result<void> {
                    if (format == ListFormat::json) {
                      fmt::print("{}\n", simdjson::minify(table));
                      return success();
                    }
                    listing.add({text_of(table, "company_id"), text_of(table, "table_name"),
                                 text_of(table, "key_column"), text_of(table, "rows"),
                                 text_of(table, "versions"),
                                 text_of(table["last_upload"].value(), "timestamp")});
                    return success();
                  }));
  if (format != ListFormat::json) {
    DD_TRY(listing.end());
  }
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
