#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include "cli/commands.hpp"
#include "cli/listing.hpp"
#include "cli/server_requests.hpp"

namespace deltadrop::cli {
namespace {

struct Wanted {
  std::string company;
  std::string table;
  ListFormat format = ListFormat::text;
};

Result<int> list(const ServerEndpoint& server, const Wanted& wanted) {
  DD_TRY(print_list(server, table_path(wanted.company, wanted.table, "/versions"), {}, "versions", kNoLimit,
                    wanted.format,
                    {{"version", "/version"},
                     {"timestamp", "/timestamp"},
                     {"rows", "/rows"},
                     {"inserted", "/inserted"},
                     {"updated", "/updated"},
                     {"deleted", "/deleted"},
                     {"file_id", "/file_id"},
                     {"upload_id", "/upload_id"}}));
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
