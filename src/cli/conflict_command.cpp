#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "cli/commands.hpp"
#include "cli/lake_tables.hpp"
#include "cli/open_history.hpp"
#include "cli/settings_options.hpp"
#include "core/text.hpp"
#include "history/conflicts.hpp"
#include "io/clock.hpp"
#include "lake/rebuild.hpp"

namespace deltadrop::cli {
namespace {

constexpr int kNotDone = 1;
/// The maximum number of attempts to resolve if new uploads keep arriving in between.
constexpr int kAttemptsMax = 20;

struct Wanted {
  WantedTable table;
  std::string keep;
  bool yes = false;
};

using Work = std::function<Result<int>(const OpenLake& lake, const Wanted& wanted)>;

std::string archive_name(const UploadFacts& facts) {
  return facts.archive_id ? facts.archive_id->to_string() : std::string("(not named)");
}

std::string state_name(const history::UploadStatus& upload) {
  return std::string(upload.set_aside_at ? "set aside" : history::to_string(upload.state));
}

void print_upload(const history::UploadStatus& upload) {
  const auto& facts = upload.facts;
  fmt::print("  version {:<5} {}  {:<9}  accepted {}  {} of {}  archive {}\n", facts.version.value,
             facts.upload_id.to_string(), state_name(upload), facts.timestamp.to_string(), upload.recorded,
             counted(facts.total, "event"), archive_name(facts));
}

// ---- list

Result<int> list(const OpenLake& lake, const Wanted&) {
  DD_TRY(const auto summary, lake.history().summary());
  std::optional<TableRef> last;
  for (const auto& upload : summary.blocked) {
    if (upload.state != history::UploadState::conflict) continue;
    if (last == upload.facts.table) continue;
    last = upload.facts.table;
    fmt::print("{}\tversion {}\t{}\t{}\n", last->to_string(), upload.facts.version.value,
               upload.facts.upload_id.to_string(), upload.error);
  }
  if (!last) fmt::print("no table is in conflict\n");
  return 0;
}

// ---- show

Result<std::vector<history::UploadStatus>> uploads_of(const OpenLake& lake, const TableRef& table) {
  DD_TRY(auto uploads, lake.history().uploads_of(table));
  if (!uploads.empty()) return uploads;
  return Error{ErrorCode::not_found, "no-such-table",
               fmt::format("the history has no upload of {}", table.to_string()),
               "`deltadrop conflict list` names the tables that are in conflict"};
}

/// Returns the length of the chains' common prefix.
std::size_t common_start(const std::vector<history::Chain>& chains) {
  std::size_t count = 0;
  while (std::all_of(chains.begin(), chains.end(), [&](const auto& chain) {
    return count < chain.uploads.size() &&
           chain.uploads[count].facts.upload_id == chains.front().uploads[count].facts.upload_id;
  })) {
    ++count;
  }
  return count;
}

Result<int> show(const OpenLake& lake, const Wanted& wanted) {
  DD_TRY(const auto table, wanted.table.ref());
  DD_TRY(const auto uploads, uploads_of(lake, *table));
  DD_TRY(const auto ownership, lake.history().ownership(*table));
  fmt::print("{}, owned by {}\n", table->to_string(),
             ownership.owner ? "archive " + ownership.owner->to_string() : "an archive that is not known");
  const auto chains = history::chains_of(uploads);
  const std::size_t common = chains.size() > 1 ? common_start(chains) : 0;
  if (common > 0) {
    fmt::print("{}, the last one {}, are common to all chains\n", counted(common, "upload"),
               chains.front().uploads[common - 1].facts.upload_id.to_string());
  }
  for (const auto& chain : chains) {
    const auto& last = chain.uploads.back();
    fmt::print("\nchain of upload {} ({}, {} applied)\n", last.facts.upload_id.to_string(),
               counted(chain.uploads.size(), "upload"), chain.applied);
    for (std::size_t i = common; i < chain.uploads.size(); ++i) print_upload(chain.uploads[i]);
    for (const auto& upload : chain.uploads) {
      if (upload.state != history::UploadState::conflict) continue;
      fmt::print("  why: {}\n", upload.error);
      break;
    }
  }
  const auto aside = std::count_if(uploads.begin(), uploads.end(),
                                   [](const auto& upload) { return upload.set_aside_at.has_value(); });
  if (aside > 0) fmt::print("\nset aside earlier\n");
  for (const auto& upload : uploads) {
    if (upload.set_aside_at) print_upload(upload);
  }
  return 0;
}

// ---- resolve

void print_plan(const TableRef& table, const history::Resolution& plan) {
  fmt::print("{}: {} kept, {} set aside\n", table.to_string(), counted(plan.kept.size(), "upload"),
             plan.set_aside.size());
  for (const auto& upload : plan.set_aside) print_upload(upload);
  if (!plan.revived.empty()) fmt::print("kept, in conflict until now, to be applied next:\n");
  for (const auto& upload : plan.revived) print_upload(upload);
  if (plan.undoes) {
    fmt::print(
        "The rows and Parquet files of applied uploads that are set aside are undone. Their events stay.\n");
  }
  if (plan.owner) {
    fmt::print("From then on the table belongs to archive {}: uploads through another one are refused.\n",
               plan.owner->to_string());
  } else {
    fmt::print("From then on the table belongs to whichever archive sends its next upload.\n");
  }
}

Result<history::Resolution> resolve_in_history(const OpenLake& lake, const TableRef& table,
                                               const std::optional<UploadId>& keep) {
  io::SystemClock clock;
  auto resolved = lake.history().resolve(table, keep, clock.now());
  for (int attempt = 1; attempt < kAttemptsMax; ++attempt) {
    if (!resolved.has_error() || resolved.error().type != "table-busy") break;
    resolved = lake.history().resolve(table, keep, clock.now());
  }
  return resolved;
}

/// Makes the lake contain exactly the files of the kept uploads. Runs even if nothing was undone now, because
/// an earlier call may have been interrupted before this step.
Result<void> write_lake(const OpenLake& lake, const TableRef& table) {
  DD_TRY(write_waiting(lake, table));
  DD_TRY(const auto report,
         lake::rebuild_table(lake.options, lake.history(), table, show_progress(table, "upload", "written")));
  fmt::print("Parquet: {} of {}, {} removed\n", counted(report.files, "file"),
             counted(report.uploads, "upload"), counted(report.removed, "file"));
  return success();
}

bool has_lake(const OpenLake& lake, const TableRef& table) {
  std::error_code ignored;
  return std::filesystem::exists(lake.options.folder / table.company_id / table.table_name, ignored);
}

Result<std::optional<UploadId>> kept_of(const Wanted& wanted) {
  if (wanted.keep == "none") return std::optional<UploadId>();
  DD_TRY(const auto id, UploadId::parse(wanted.keep));
  return std::optional(id);
}

Result<int> resolve(const OpenLake& lake, const Wanted& wanted) {
  DD_TRY(const auto table, wanted.table.ref());
  DD_TRY(const auto keep, kept_of(wanted));
  DD_TRY(const auto uploads, uploads_of(lake, *table));
  DD_TRY(const auto plan, history::plan_resolution(*table, uploads, keep));
  print_plan(*table, plan);
  if (!wanted.yes) {
    fmt::print("Nothing was changed. To do it, run the same command with --yes.\n");
    return kNotDone;
  }
  const bool in_lake = std::any_of(uploads.begin(), uploads.end(),
                                   [](const auto& upload) { return upload.in_lake_at.has_value(); });
  if (plan.undoes && in_lake) {
    DD_TRY(check_lake_is_there(lake, {*table}));
  }
  std::optional<lake::TableLock> lock;
  if (has_lake(lake, *table)) {
    DD_TRY(auto taken, lock_table(lake, *table));
    lock.emplace(std::move(taken));
  }
  DD_TRY(resolve_in_history(lake, *table, keep));
  fmt::print("Done. It can be changed again by keeping another chain.\n");
  if (lock) {
    DD_TRY(write_lake(lake, *table));
  }
  return 0;
}

// ---- the commands

Result<OpenLake> open(const app::Settings& settings) {
  OpenLake lake;
  lake.settings = settings;
  lake.options = settings.lake;
  DD_TRY(lake.stored, open_history(settings, "deltadrop conflict"));
  return lake;
}

CLI::App* add_one(CLI::App& group, const std::string& name, const std::string& help, int& exit_code,
                  const std::shared_ptr<Wanted>& wanted, bool writes, const Work& work) {
  auto* command = group.add_subcommand(name, help);
  const auto flags = add_settings_options(*command);
  command->callback([flags, wanted, writes, work, &exit_code] {
    exit_code = run_with_settings(*flags, [&](const app::Settings& settings) -> Result<int> {
      DD_TRY(const auto lake, open(settings));
      if (writes && !lake.stored.writable) return written_by_dev(settings, "stop it first");
      return work(lake, *wanted);
    });
  });
  return command;
}

void require_table(CLI::App& command, WantedTable& wanted) {
  add_table_arguments(command, wanted)->required();
  command.get_option("--company")->description("the table's company")->required();
}

}  // namespace

void add_conflict_command(CLI::App& program, int& exit_code) {
  auto* group = program.add_subcommand("conflict", "tables whose history forked: list, show, resolve");
  group->require_subcommand(1);
  const auto wanted = std::make_shared<Wanted>();
  add_one(*group, "list", "tables that are in conflict", exit_code, wanted, false, list);
  auto* showing = add_one(*group, "show", "a table's chains of uploads", exit_code, wanted, false, show);
  require_table(*showing, wanted->table);
  auto* resolving = add_one(*group, "resolve", "keep one chain of uploads, set the others aside", exit_code,
                            wanted, true, resolve);
  require_table(*resolving, wanted->table);
  resolving
      ->add_option("--keep", wanted->keep,
                   "last upload of the chain that stays; none: no upload stays, and the table "
                   "is free for the next archive")
      ->type_name("UPLOAD_ID|none")
      ->required();
  resolving->add_flag("--yes", wanted->yes,
                      "do it; without this flag the command only says what it would do");
  group->footer(
      "A history forks when two archives, or two copies of one, send uploads of one table. The uploads that "
      "came\n"
      "first are applied; the others are recorded, in state `conflict`. `resolve` deletes no event: what is "
      "set\n"
      "aside can be chosen later. Other tables are not touched, and servers and consumers may run; run it "
      "with the\n"
      "consumers' PARQUET_DIR. Works on the history that DATA_DIR belongs to: history.db of `dev`, which "
      "must be\n"
      "stopped, else PostgreSQL by DATABASE_URL. The user of the database needs DELETE on company_data, "
      "lake_columns\n"
      "and table_owners, too.\n"
      "Exit code of resolve: 0 done, 1 without --yes, 2 for trouble.\n\n"
      "Examples:\n"
      "  deltadrop conflict show so-financials financials\n"
      "  deltadrop conflict resolve so-financials financials --keep 0195f3a0-7c00-7000-8000-000000000003 "
      "--yes");
}

}  // namespace deltadrop::cli
