#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "cli/commands.hpp"
#include "csv/options.hpp"

namespace deltadrop::cli {

void add_version_command(CLI::App& program, int& exit_code) {
  auto* command =
      program.add_subcommand("version", "print the version of the program and of its parsing rules");
  command->callback([&exit_code] {
    fmt::print("deltadrop {} (rules {})\n", DELTADROP_VERSION, csv::kRules);
    exit_code = 0;
  });
}

}  // namespace deltadrop::cli
