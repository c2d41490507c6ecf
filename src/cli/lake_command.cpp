#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>

#include "cli/checks.hpp"
#include "cli/commands.hpp"
#include "cli/lake_commands.hpp"
#include "cli/lake_tables.hpp"
#include "cli/settings_options.hpp"
#include "core/text.hpp"
#include "io/point_in_time.hpp"
#include "lake/compaction.hpp"
#include "lake/rebuild.hpp"
#include "lake/table_columns.hpp"
#include "lake/verify.hpp"

namespace deltadrop::cli {
namespace {

using Work = std::function<Result<int>(const OpenLake& lake)>;

constexpr int kDiffers = 1;

/// Calls `work` for each table. Reports failures and continues with the other tables.
Result<int> for_each_table(const OpenLake& lake, const std::vector<TableRef>& tables,
                           const std::function<Result<int>(const TableRef&)>& work) {
  int exit_code = 0;
  for (const auto& table : tables) {
    const auto done = [&]() -> Result<int> {
      DD_TRY(const auto lock, lock_table(lake, table));
      return work(table);
    }();
    exit_code =
        std::max(exit_code, done.has_value() ? done.value() : report_trouble(lake.settings, done.error()));
    std::fflush(stdout);
  }
  return exit_code;
}

void say_what_waits(const TableRef& table, std::int64_t waiting) {
  if (waiting == 0) return;
  fmt::print(stderr, "{}: not in the lake yet: {}, which the running server or consumer writes\n",
             table.to_string(), counted(waiting, "applied upload"));
}

// ---- rebuild

Result<int> rebuild_one(const OpenLake& lake, const TableRef& table) {
  DD_TRY(const auto report,
         lake::rebuild_table(lake.options, lake.history(), table, show_progress(table, "upload", "written")));
  fmt::print("{}: {} with {} of {} written, {} removed\n", table.to_string(), counted(report.files, "file"),
             counted(report.rows, "event"), counted(report.uploads, "upload"),
             counted(report.removed, "file"));
  if (lake.stored.writable) {
    DD_TRY(write_waiting(lake, table));
  } else {
    say_what_waits(table, report.waiting);
  }
  return 0;
}

Result<int> rebuild(const OpenLake& lake, const WantedTable& wanted) {
  DD_TRY(lake::check_folder(lake.options.folder));
  DD_TRY(const auto tables, wanted_tables(lake, wanted));
  if (tables.empty()) fmt::print("the history has no table\n");
  return for_each_table(lake, tables, [&](const TableRef& table) { return rebuild_one(lake, table); });
}

// ---- verify

struct Verified {
  std::int64_t files = 0;
  std::int64_t uploads = 0;
  std::int64_t damages = 0;
};

std::string compared(const Verified& total, std::size_t tables) {
  return fmt::format("{} of {} in {}", counted(total.files, "file"), counted(total.uploads, "upload"),
                     counted(tables, "table"));
}

/// Reports declared types that some values do not fit. The files are intact, but differ from the declaration.
Result<void> say_what_is_not_as_declared(const OpenLake& lake, const TableRef& table) {
  DD_TRY(const auto uploads, lake.history().applied_uploads(table, history::kAnyVersion));
  const auto last = std::find_if(uploads.rbegin(), uploads.rend(),
                                 [](const auto& upload) { return upload.in_lake_at.has_value(); });
  if (last == uploads.rend()) return success();
  DD_TRY(auto columns, lake.history().lake_columns(table));
  DD_TRY(const auto sentences, lake::undeclared(last->facts, lake::TableColumns(std::move(columns))));
  for (const auto& sentence : sentences) fmt::print(stderr, "{}\n", sentence);
  return success();
}

Result<int> verify_one(const OpenLake& lake, const TableRef& table, Verified& total) {
  const auto show = [](const lake::Damage& damage) {
    fmt::print("{:<10} {}: {}\n", lake::to_string(damage.fault), damage.path.string(), damage.detail);
  };
  DD_TRY(const auto report, lake::verify_table(lake.options, lake.history(), table, show,
                                               show_progress(table, "upload", "compared")));
  total.files += report.files;
  total.uploads += report.uploads;
  total.damages += report.damages;
  say_what_waits(table, report.waiting);
  if (report.damages > report.folders) {
    const auto words = fmt::format("lake rebuild {} {}", table.company_id, table.table_name);
    fmt::print("  fix: {}\n", typed(lake.settings, words));
  }
  // Runs after the report of damages, because this can fail.
  DD_TRY(say_what_is_not_as_declared(lake, table));
  return report.damages == 0 ? 0 : kDiffers;
}

/// Lists folders of tables that the history does not have. Never changes them, because the history may be the
/// wrong one.
Result<int> name_unknown(const OpenLake& lake, const std::vector<TableRef>& known, Verified& total) {
  DD_TRY(const auto there, lake::tables_in_folder(lake.options.folder));
  int exit_code = 0;
  for (const auto& table : there) {
    if (std::find(known.begin(), known.end(), table) != known.end()) continue;
    fmt::print("{:<10} {}: the history has no applied upload of {}\n", lake::to_string(lake::Fault::extra),
               (lake.options.folder / table.company_id / table.table_name).string(), table.to_string());
    fmt::print(
        "  fix: see that DATA_DIR, or DATABASE_URL, is the one that the lake was written from; where the "
        "table is really gone, delete the folder\n");
    ++total.damages;
    exit_code = kDiffers;
  }
  return exit_code;
}

Result<int> verify(const OpenLake& lake, const WantedTable& wanted) {
  DD_TRY(const auto tables, wanted_tables(lake, wanted));
  DD_TRY(check_lake_is_there(lake, tables));
  Verified total;
  DD_TRY(auto exit_code,
         for_each_table(lake, tables, [&](const TableRef& table) { return verify_one(lake, table, total); }));
  if (wanted.company.empty()) {
    DD_TRY(const auto unknown, name_unknown(lake, tables, total));
    exit_code = std::max(exit_code, unknown);
  }
  if (total.damages > 0) {
    fmt::print("{}; compared: {}\n", counted(total.damages, "difference"), compared(total, tables.size()));
    fmt::print(
        "compared for PARQUET_LAYOUT {} and PARQUET_MAX_ROWS {}: where the consumer's are others, verify "
        "with those first\n",
        lake.options.layout == lake::FileLayout::event ? "event" : "upload", lake.options.rows_max);
  } else if (exit_code == 0) {
    fmt::print("all is as the history says: {}\n", compared(total, tables.size()));
  }
  return exit_code;
}

// ---- compact

Result<int> compact(const OpenLake& lake, const WantedTable& wanted, const std::string& before) {
  std::optional<Timestamp> limit;
  if (!before.empty()) {
    DD_TRY(limit, io::parse_point_in_time(before, io::BareDate::start_of_day, lake.settings.time_zone));
  }
  DD_TRY(const auto tables, wanted_tables(lake, wanted));
  DD_TRY(check_lake_is_there(lake, tables));
  DD_TRY(lake::check_folder(lake.options.folder));
  return for_each_table(lake, tables, [&](const TableRef& table) -> Result<int> {
    DD_TRY(const auto report, lake::compact_table(lake.options, lake.history(), table, limit,
                                                  show_progress(table, "merge", "done")));
    if (report.files == 0) {
      fmt::print("{}: nothing to merge\n", table.to_string());
    } else {
      fmt::print("{}: {} merged into {}, with {}\n", table.to_string(), counted(report.merged, "file"),
                 report.files, counted(report.rows, "event"));
    }
    return 0;
  });
}

CLI::App* add_one(CLI::App& group, const std::string& name, const std::string& help, int& exit_code,
                  const Work& work) {
  auto* command = group.add_subcommand(name, help);
  const auto flags = add_settings_options(*command);
  command->callback([flags, work, &exit_code] {
    exit_code = run_with_settings(*flags, [&](const app::Settings& settings) -> Result<int> {
      DD_TRY(const auto lake, open_lake(settings));
      return work(lake);
    });
  });
  return command;
}

constexpr auto kWhere =
    "Works on the history that DATA_DIR belongs to: history.db of `dev`, which may be running, else "
    "PostgreSQL by\n"
    "DATABASE_URL; and on PARQUET_DIR. While a table is worked on, consumers leave it alone, and go on after "
    "it.\n";

void add_rebuild(CLI::App& group, int& exit_code) {
  const auto wanted = std::make_shared<WantedTable>();
  auto* command = add_one(group, "rebuild", "write all files of applied uploads anew from the history",
                          exit_code, [wanted](const OpenLake& lake) { return rebuild(lake, *wanted); });
  add_table_arguments(*command, *wanted);
  command->footer(
      std::string(kWhere) +
      "The files come out byte for byte as the consumer wrote them. Files of the lake's form that are\n"
      "none of the table's go; files with other names stay.\n\n"
      "Examples:\n"
      "  deltadrop lake rebuild\n"
      "  deltadrop lake rebuild so-financials financials --parquet-dir /lake");
}

void add_verify(CLI::App& group, int& exit_code) {
  const auto wanted = std::make_shared<WantedTable>();
  auto* command = add_one(group, "verify", "compare every file with the history, byte by byte", exit_code,
                          [wanted](const OpenLake& lake) { return verify(lake, *wanted); });
  add_table_arguments(*command, *wanted);
  command->footer(
      std::string(kWhere) +
      "Names each file that is missing, extra, differing or unfinished, and writes nothing. PARQUET_LAYOUT\n"
      "and PARQUET_MAX_ROWS must be those that the files were written with.\n"
      "Exit code: 0 where all agree, 1 where something differs, 2 for trouble.\n\n"
      "Examples:\n"
      "  deltadrop lake verify\n"
      "  deltadrop lake verify so-financials financials --data-dir /var/lib/deltadrop");
}

void add_compact(CLI::App& group, int& exit_code) {
  const auto wanted = std::make_shared<WantedTable>();
  const auto before = std::make_shared<std::string>();
  auto* command = add_one(group, "compact", "merge small files of versions that follow each other", exit_code,
                          [wanted, before](const OpenLake& lake) { return compact(lake, *wanted, *before); });
  add_table_arguments(*command, *wanted);
  command
      ->add_option("--before", *before,
                   "only versions accepted before this time; a date means its start in TIMEZONE")
      ->type_name("TIME")
      ->check(refuse_empty);
  command->footer(
      std::string(kWhere) +
      "A merged file holds up to PARQUET_MAX_ROWS events. What one glob returns stays the same; for some\n"
      "milliseconds a file, while the merged one takes the place of the others, it can see rows twice.\n"
      "After an interruption: run it again.\n\n"
      "Examples:\n"
      "  deltadrop lake compact\n"
      "  deltadrop lake compact so-financials financials --before 2025-01-01");
}

}  // namespace

void add_lake_command(CLI::App& program, int& exit_code) {
  auto* group = program.add_subcommand("lake", "the Parquet files: rebuild, verify, compact, export, views");
  group->require_subcommand(1);
  add_rebuild(*group, exit_code);
  add_verify(*group, exit_code);
  add_compact(*group, exit_code);
  add_lake_export_command(*group, exit_code);
  add_lake_views_command(*group, exit_code);
  group->footer(
      "Examples:\n"
      "  deltadrop lake verify                                        are all files as the history says?\n"
      "  deltadrop lake rebuild so-financials financials              write a table's files anew\n"
      "  deltadrop lake compact --before 2025-01-01                   fewer, larger files\n"
      "  deltadrop lake views --dialect postgres | psql cdc_data      typed SQL views\n"
      "`deltadrop lake COMMAND --help` has the options of a command.");
}

}  // namespace deltadrop::cli
