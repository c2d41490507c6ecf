#include <CLI/CLI.hpp>

#include "app/dev.hpp"
#include "app/logging.hpp"
#include "cli/commands.hpp"
#include "cli/settings_options.hpp"

namespace deltadrop::cli {
namespace {

int run(const SettingsFlags& flags) {
  const auto settings = flags.load();
  if (!settings.has_value()) return report_trouble(settings.error());
  app::start_logging(settings.value().text("LOG_LEVEL"));
  const auto done = app::run_dev(settings.value());
  return done.has_value() ? 0 : report_trouble(done.error());
}

}  // namespace

void add_dev_command(CLI::App& program, int& exit_code) {
  auto* command =
      program.add_subcommand("dev", "API, consumer and everything else in one process; no server needed");
  const auto flags = add_settings_options(*command);
  command->footer(
      "Every setting is also an environment variable of the name shown.\n\n"
      "Examples:\n"
      "  deltadrop dev\n"
      "  deltadrop dev --data-dir /var/lib/deltadrop --listen 127.0.0.1:9000\n"
      "  curl -F file=@so-financials.csv http://127.0.0.1:8000/upload");
  command->callback([flags, &exit_code] { exit_code = run(*flags); });
}

}  // namespace deltadrop::cli
