#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "app/data_dir.hpp"
#include "cli/commands.hpp"
#include "cli/settings_options.hpp"
#include "core/text.hpp"
#include "ingest/ingest.hpp"
#include "io/clock.hpp"

namespace deltadrop::cli {
namespace {

Result<ingest::RebuildReport> rebuild(const app::Settings& settings) {
  DD_TRY(const auto data_dir, app::lock_existing_data_dir(settings));
  io::SystemClock clock;
  return ingest::rebuild_catalog(settings.ingest, clock);
}

void print_report(const std::string& data_dir, const ingest::RebuildReport& report) {
  fmt::print(
      "rebuilt the catalog of {}: {}, {}; all is published again under the same ids at the next start\n",
      data_dir, counted(report.tables, "table"), counted(report.uploads, "upload"));
  if (report.held > 0)
    fmt::print("taken over from the old catalog: {}\n", counted(report.held, "held upload"));
  if (report.manifests_written > 0) {
    fmt::print("written from the old catalog: {}\n", counted(report.manifests_written, "missing manifest"));
  }
  if (report.old_catalog) {
    fmt::print(stderr, "nothing could be taken from the old catalog: {}\n", report.old_catalog->text());
  }
  if (report.unclaimed.empty()) return;
  fmt::print(stderr, "moved, since no upload that the archive describes has them: {}\n",
             counted(report.unclaimed.size(), "file"));
  for (const auto& path : report.unclaimed) fmt::print(stderr, "  {}\n", path.string());
  fmt::print(
      stderr,
      "Each is an upload that was held or never accepted, or a version whose manifest was lost: look at "
      "them before the next upload of their tables, upload again what is missing, delete the rest.\n");
}

Result<int> run(const app::Settings& settings) {
  DD_TRY(const auto report, rebuild(settings));
  print_report(settings.data_dir.path, report);
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
      "Needs the archive only; what a catalog.db that is there still knows besides (held uploads, versions\n"
      "without a manifest) is kept. Stop the server first.\n\n"
      "Example:\n"
      "  deltadrop rebuild catalog --data-dir ./data");
  catalog->callback([flags, &exit_code] { exit_code = run_with_settings(*flags, run); });
}

}  // namespace deltadrop::cli
