#include "cli/wanted_table.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "cli/checks.hpp"
#include "core/text.hpp"

namespace deltadrop::cli {

Result<std::optional<TableRef>> WantedTable::ref() const {
  if (company.empty() && table.empty()) return std::optional<TableRef>();
  if (company.empty() || table.empty()) {
    return Error{ErrorCode::invalid_input, "half-a-table",
                 fmt::format("{} is no table: a table has the names COMPANY and TABLE",
                             quoted_for_message(company.empty() ? table : company)),
                 "give both, such as `so-financials financials`, or none for all tables"};
  }
  DD_TRY(auto made, TableRef::make(company, table));
  return std::optional(std::move(made));
}

CLI::Option* add_table_arguments(CLI::App& command, WantedTable& wanted) {
  command.add_option("COMPANY,--company", wanted.company, "one table only; all unless given")
      ->check(refuse_empty);
  return command.add_option("TABLE,--table", wanted.table)->check(refuse_empty);
}

}  // namespace deltadrop::cli
