#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "app/data_dir.hpp"
#include "cli/commands.hpp"
#include "cli/settings_options.hpp"
#include "core/text.hpp"
#include "ingest/ingest.hpp"

namespace deltadrop::cli {
namespace {

/// Marks the versions before it changes the kind. If it is interrupted in between, `dev` publishes them
/// again, which is harmless.
Result<ingest::RepublishReport> migrate(const app::Settings& settings) {
  DD_TRY(const auto data_dir, app::open_existing_data_dir(settings, app::kEmbeddedKind));
  DD_TRY(const auto report, ingest::mark_for_republish(settings.ingest, {}));
  DD_TRY(app::change_kind(data_dir, app::kKafkaKind));
  return report;
}

Result<int> run(const app::Settings& settings) {
  DD_TRY(const auto report, migrate(settings));
  fmt::print(
      "{0} is for Kafka and PostgreSQL now. Next:\n"
      "  {1}\n"
      "    sends {2} of {3} under the same event ids\n"
      "  {4}\n"
      "    fills the database and the lake with them\n"
      "Once /health tells that nothing is pending, log.db and history.db in {0} can go.\n",
      settings.data_dir.path, typed(settings, "serve"), counted(report.uploads, "upload"),
      counted(report.tables, "table"), typed(settings, "consume"));
  return 0;
}

}  // namespace

void add_migrate_command(CLI::App& program, int& exit_code) {
  auto* command =
      program.add_subcommand("migrate", "turn a DATA_DIR of `dev` into one for `serve` and `consume`");
  const auto flags = add_settings_options(*command);
  command->footer(
      "Stop `deltadrop dev` first. Kafka and PostgreSQL need not be there. Running it again changes "
      "nothing.\n\n"
      "Example:\n"
      "  deltadrop migrate --data-dir ./data");
  command->callback([flags, &exit_code] { exit_code = run_with_settings(*flags, run); });
}

}  // namespace deltadrop::cli
