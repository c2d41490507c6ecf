#pragma once

#include <optional>
#include <string>

#include "core/result.hpp"
#include "core/table_ref.hpp"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace deltadrop::cli {

/// The table that a command works on, or all tables.
struct WantedTable {
  std::string company;
  std::string table;

  /// Returns the table, or nothing for all tables. Fails with invalid_input "half-a-table" if only one of the
  /// two names is given.
  [[nodiscard]] Result<std::optional<TableRef>> ref() const;
};

/// Adds COMPANY and TABLE, which are also --company and --table. Returns the latter.
CLI::Option* add_table_arguments(CLI::App& command, WantedTable& wanted);

}  // namespace deltadrop::cli
