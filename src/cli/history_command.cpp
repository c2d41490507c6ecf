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
  std::string key;
  ListFormat format = ListFormat::text;
};

Result<int> list(const http::ServerToAsk& server, const Wanted& wanted) {
  const bool json = wanted.format == ListFormat::json;
  Listing listing(json ? ListFormat::text : wanted.format,
                  {"valid_from", "valid_to", "change", "version", "file_id", "line", "upload_id", "values"});
  const auto path = fmt::format("/api/v1/tables/{}/{}/records/history", http::percent_encoded(wanted.company),
                                http::percent_encoded(wanted.table));
  DD_TRY(get_list(server, path, {{"key", wanted.key}}, "history", std::numeric_limits<std::int64_t>::max(),
                  [&](simdjson::dom::element entry) -> Result<void> {
                    if (json) {
                      fmt::print("{}\n", simdjson::minify(entry));
                      return success();
                    }
                    listing.add({text_of(entry, "valid_from"), text_of(entry, "valid_to"),
                                 text_of(entry, "event_type"), text_of(entry, "version"),
                                 text_of(entry, "file_id"), text_of(entry, "line"),
                                 text_of(entry, "upload_id"), text_of(entry, "values")});
                    return success();
                  }));
  if (!json) {
    DD_TRY(listing.end());
  }
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
