#include <fmt/format.h>

#include <limits>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include "cli/commands.hpp"
#include "cli/listing.hpp"
#include "cli/server_questions.hpp"

namespace deltadrop::cli {
namespace {

struct Wanted {
  std::string company;
  std::string table;
  ListFormat format = ListFormat::text;
};

Result<int> list(const http::ServerToAsk& server, const Wanted& wanted) {
  const bool json = wanted.format == ListFormat::json;
  Listing listing(json ? ListFormat::text : wanted.format,
                  {"version", "timestamp", "rows", "inserted", "updated", "deleted", "file_id", "upload_id"});
  const auto path = fmt::format("/api/v1/tables/{}/{}/versions", http::percent_encoded(wanted.company),
                                http::percent_encoded(wanted.table));
  DD_TRY(get_list(server, path, {}, "versions", std::numeric_limits<std::int64_t>::max(),
                  [&](simdjson::dom::element version) -> Result<void> {
                    if (json) {
                      fmt::print("{}\n", simdjson::minify(version));
                      return success();
                    }
                    listing.add({text_of(version, "version"), text_of(version, "timestamp"),
                                 text_of(version, "rows"), text_of(version, "inserted"),
                                 text_of(version, "updated"), text_of(version, "deleted"),
                                 text_of(version, "file_id"), text_of(version, "upload_id")});
                    return success();
                  }));
  if (!json) {
    DD_TRY(listing.end());
  }
  return 0;
}

}  // namespace

void add_versions_command(CLI::App& program, int& exit_code) {
  auto* command = program.add_subcommand("versions", "a table's versions, oldest first");
  const auto flags = add_server_options(*command);
  const auto wanted = std::make_shared<Wanted>();
  command->add_option("COMPANY", wanted->company)->required();
  command->add_option("TABLE", wanted->table)->required();
  add_format_option(*command, wanted->format);
  command->footer(
      "Asks the running server; one with keys wants DELTADROP_KEY.\n\n"
      "Examples:\n"
      "  deltadrop versions so-financials financials\n"
      "  deltadrop versions so-financials financials --format json | jq -r .file_sha256");
  command->callback([flags, wanted, &exit_code] {
    exit_code = run_with_server(*flags, [&](const auto& server) { return list(server, *wanted); });
  });
}

}  // namespace deltadrop::cli
