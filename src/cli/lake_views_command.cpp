#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include "cli/lake_commands.hpp"
#include "cli/lake_tables.hpp"
#include "cli/settings_options.hpp"
#include "lake/views.hpp"

namespace deltadrop::cli {
namespace {

Result<int> print_views(const app::Settings& settings, const WantedTable& wanted,
                        const std::string& dialect) {
  DD_TRY(const auto lake, open_lake(settings));
  DD_TRY(const auto tables, wanted_tables(lake, wanted));
  DD_TRY(const auto kind, app::kind_of_data_dir(settings));
  const bool sqlite = dialect.empty() ? kind == app::kEmbeddedKind : dialect == "sqlite";
  for (const auto& table : tables) {
    DD_TRY(const auto columns, lake.history().lake_columns(table));
    if (columns.empty()) {
      fmt::print(stderr, "{}: no upload is in the lake yet, so that no column has a type\n",
                 table.to_string());
      continue;
    }
    DD_TRY(const auto uploads, lake.history().applied_uploads(table, history::kAnyVersion));
    const auto notations = lake::notations_of(uploads);
    fmt::print("{}", lake::views_of(sqlite ? lake::Dialect::sqlite : lake::Dialect::postgres, table, columns,
                                    notations));
  }
  return 0;
}

}  // namespace

void add_lake_views_command(CLI::App& group, int& exit_code) {
  auto* command = group.add_subcommand("views", "print SQL for views with each table's columns, typed");
  const auto flags = add_settings_options(*command);
  const auto wanted = std::make_shared<WantedTable>();
  const auto dialect = std::make_shared<std::string>();
  add_table_arguments(*command, *wanted);
  command->add_option("--dialect", *dialect, "postgres or sqlite; that of the history unless given")
      ->check(CLI::IsMember({"postgres", "sqlite"}));
  command->footer(
      "Three views a table: \"COMPANY/TABLE/current\", \".../history\" and \".../changes\". Print them again "
      "when a\n"
      "column comes or its type widens. In SQLite decimals stay texts, since it has none.\n\n"
      "Examples:\n"
      "  deltadrop lake views | sqlite3 data/history.db\n"
      "  deltadrop lake views so-financials financials --dialect postgres | psql cdc_data\n"
      "  psql cdc_data -c 'SELECT sum(revenue) FROM \"so-financials/financials/current\"'");
  command->callback([flags, wanted, dialect, &exit_code] {
    exit_code = run_with_settings(
        *flags, [&](const app::Settings& settings) { return print_views(settings, *wanted, *dialect); });
  });
}

}  // namespace deltadrop::cli
