#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "app/data_dir.hpp"
#include "app/logging.hpp"
#include "cli/commands.hpp"
#include "cli/settings_options.hpp"
#include "ingest/ingest.hpp"
#include "io/clock.hpp"

namespace deltadrop::cli {
namespace {

Result<ingest::RebuildReport> rebuild(const app::Settings& settings) {
  DD_TRY(const auto data_dir, app::lock_existing_data_dir(settings));
  io::SystemClock clock;
  return ingest::rebuild_catalog(app::ingest_options(settings), clock);
}

int run(const SettingsFlags& flags) {
  const auto settings = flags.load();
  if (!settings.has_value()) return report_trouble(settings.error());
  app::start_logging(settings.value().text("LOG_LEVEL"));
  const auto report = rebuild(settings.value());
  if (!report.has_value()) return report_trouble(report.error());
  fmt::print(
      "rebuilt the catalog of {}: {} tables, {} uploads; the next start publishes them again under the same "
      "ids\n",
      settings.value().text("DATA_DIR"), report.value().tables, report.value().uploads);
  return 0;
}

}  // namespace

void add_rebuild_command(CLI::App& program, int& exit_code) {
  auto* command = program.add_subcommand("rebuild", "make derived state again from the archive");
  command->require_subcommand(1);
  auto* catalog =
      command->add_subcommand("catalog", "make catalog.db again from the manifests of the archive");
  const auto flags = add_settings_options(*catalog);
  catalog->footer(
      "Needs the archive only. Stop the server first.\n\n"
      "Example:\n"
      "  deltadrop rebuild catalog --data-dir ./data");
  catalog->callback([flags, &exit_code] { exit_code = run(*flags); });
}

}  // namespace deltadrop::cli
