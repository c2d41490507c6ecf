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

/// The table that a command is about, or all of them.
struct WantedTable {
  std::string company;
  std::string table;

  /// Nothing where all are wanted. invalid_input "half-a-table" where one of both names is missing.
  [[nodiscard]] Result<std::optional<TableRef>> ref() const;
};

/// Adds COMPANY and TABLE, which are also --company and --table; returns the latter.
CLI::Option* add_table_arguments(CLI::App& command, WantedTable& wanted);

}  // namespace deltadrop::cli
