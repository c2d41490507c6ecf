#include <fmt/format.h>

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
  std::string company;
  std::string table;
  std::string as_of;
  std::string version;
  std::string columns;
  std::int64_t limit = 0;  ///< 0: no limit given
  ListFormat format = ListFormat::text;
};

/// Prints the values of each record under the names of their columns.
Result<int> list(const ServerEndpoint& server, const std::string& path, const Query& query,
                 const Wanted& wanted) {
  std::unique_ptr<Listing> listing;
  const auto limit = wanted.limit > 0 ? wanted.limit : kTextLimit;
  const auto add = [&](simdjson::dom::element record) -> Result<void> {
    std::vector<std::string> names;
    std::vector<std::string> values;
    simdjson::dom::object object;
    if (record["values"].get(object) != simdjson::SUCCESS) return success();
    for (const auto& [name, value] : object) {
      std::string_view text;
      names.emplace_back(name);
      values.emplace_back(value.get(text) == simdjson::SUCCESS ? text : std::string_view());
    }
    if (listing == nullptr) listing = std::make_unique<Listing>(ListFormat::text, std::move(names));
    listing->add(std::move(values));
    return success();
  };
  std::string as_of;
  const auto see_page = [&](simdjson::dom::element page) { as_of = text_of(page, "as_of"); };
  DD_TRY(const bool more, get_list(server, path, query, "records", limit, add, see_page));
  if (listing != nullptr) {
    DD_TRY(listing->end());
  }
  if (!wanted.as_of.empty()) fmt::print("as of {}\n", as_of);
  if (more) fmt::print("... there are more: --limit, or --format csv for all\n");
  return 0;
}

Result<int> run(const ServerEndpoint& server, const Wanted& wanted) {
  const auto path = table_path(wanted.company, wanted.table, "/records");
  Query query = {{"as_of", wanted.as_of}, {"version", wanted.version}, {"columns", wanted.columns}};
  if (wanted.format == ListFormat::text) return list(server, path, query, wanted);
  query.emplace_back("limit", wanted.limit > 0 ? std::to_string(wanted.limit) : "");
  const bool csv = wanted.format == ListFormat::csv;
  DD_TRY(print_stream(server, target_of(path, query), csv ? "text/csv" : "application/x-ndjson"));
  return 0;
}

}  // namespace

void add_records_command(CLI::App& program, int& exit_code) {
  auto* command = program.add_subcommand("records", "a table's rows, now or as they were");
  const auto flags = add_server_options(*command);
  const auto wanted = std::make_shared<Wanted>();
  command->add_option("COMPANY", wanted->company)->required();
  command->add_option("TABLE", wanted->table)->required();
  command
      ->add_option("--as-of", wanted->as_of,
                   "what held at this time: 2025-03-31 (the end of that day), or RFC 3339")
      ->type_name("TIME");
  command->add_option("--version", wanted->version, "of this version")->type_name("N");
  command->add_option("--columns", wanted->columns, "these columns only, as one CSV record")
      ->type_name("NAMES");
  command->add_option("--limit", wanted->limit, "at most so many (100 as text, else all)")
      ->check(whole_number)
      ->type_name("N");
  add_format_option(*command, wanted->format);
  command->footer(
      "The CSV can be uploaded again. Asks the running server; one with keys wants DELTADROP_KEY.\n\n"
      "Examples:\n"
      "  deltadrop records so-financials financials\n"
      "  deltadrop records so-financials financials --as-of 2025-03-31 --format csv > then.csv\n"
      "  deltadrop records so-financials financials --columns item,amount --limit 10");
  command->callback([flags, wanted, &exit_code] {
    exit_code = run_with_server(*flags, [&](const auto& server) { return run(server, *wanted); });
  });
}

}  // namespace deltadrop::cli
