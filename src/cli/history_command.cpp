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
  std::string key;
  ListFormat format = ListFormat::text;
};

Result<int> list(const ServerEndpoint& server, const Wanted& wanted) {
  DD_TRY(print_list(server, table_path(wanted.company, wanted.table, "/records/history"),
                    {{"key", wanted.key}}, "history", kNoLimit, wanted.format,
                    {{"valid_from", "/valid_from"},
                     {"valid_to", "/valid_to"},
                     {"change", "/event_type"},
                     {"version", "/version"},
                     {"file_id", "/file_id"},
                     {"line", "/line"},
                     {"upload_id", "/upload_id"},
                     {"values", "/values"}}));
  return 0;
}

}  // namespace

void add_history_command(CLI::App& program, int& exit_code) {
  auto* command = program.add_subcommand("history", "every state of one row, oldest first");
  const auto flags = add_server_options(*command);
  const auto wanted = std::make_shared<Wanted>();
  command->add_option("COMPANY", wanted->company)->required();
  command->add_option("TABLE", wanted->table)->required();
  command->add_option("KEY", wanted->key, "the row's key; of several columns: one CSV record")->required();
  add_format_option(*command, wanted->format);
  command->footer(
      "Empty for a key that never was. Asks the running server; one with keys wants DELTADROP_KEY.\n\n"
      "Examples:\n"
      "  deltadrop history so-financials financials FIN-0002\n"
      "  deltadrop history so-financials financials FIN-0002 --format json | jq .values.amount");
  command->callback([flags, wanted, &exit_code] {
    exit_code = run_with_server(*flags, [&](const auto& server) { return list(server, *wanted); });
  });
}

}  // namespace deltadrop::cli
