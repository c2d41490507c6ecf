#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "app/settings.hpp"
#include "cli/commands.hpp"
#include "cli/settings_options.hpp"

namespace deltadrop::cli {
namespace {

int run(const SettingsFlags& flags) {
  const auto settings = flags.load();
  if (!settings.has_value()) return report_trouble(settings.error());
  fmt::print("{}", settings.value().describe());
  return 0;
}

}  // namespace

void add_config_command(CLI::App& program, int& exit_code) {
  auto* command =
      program.add_subcommand("config", "show every setting, its effective value and where it comes from");
  const auto flags = add_settings_options(*command);
  command->footer(
      "Takes the flag of every setting: --data-dir for DATA_DIR.\n"
      "Flags beat the environment, which beats --config FILE, which beats the default.\n\n"
      "Example:\n"
      "  HELD_TTL=7d deltadrop config --listen :9000");
  command->callback([flags, &exit_code] { exit_code = run(*flags); });
}

}  // namespace deltadrop::cli
