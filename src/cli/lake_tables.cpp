#include "cli/lake_tables.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "core/text.hpp"
#include "io/clock.hpp"

namespace deltadrop::cli {
namespace {

constexpr std::chrono::seconds kShowEvery{3};

}  // namespace

Result<OpenLake> open_lake(const app::Settings& settings) {
  OpenLake lake;
  lake.settings = settings;
  lake.options = settings.lake;
  DD_TRY(lake.stored, app::open_stored_history(settings, "deltadrop lake"));
  return lake;
}

Result<void> check_lake_is_there(const OpenLake& lake, const std::vector<TableRef>& tables) {
  std::error_code ignored;
  if (tables.empty() || std::filesystem::exists(lake.options.folder, ignored)) return success();
  return Error{ErrorCode::not_found, "no-lake",
               fmt::format("PARQUET_DIR {} is not there, and the history has {}",
                           lake.options.folder.string(), counted(tables.size(), "table")),
               "give the folder that the consumer writes to with --parquet-dir; where it is gone, write it "
               "anew with `deltadrop lake rebuild`"};
}

Result<std::vector<TableRef>> wanted_tables(const OpenLake& lake, const WantedTable& wanted) {
  DD_TRY(auto tables, lake.history().applied_tables());
  DD_TRY(const auto ref, wanted.ref());
  if (!ref) return tables;
  const TableRef& table = *ref;
  if (std::find(tables.begin(), tables.end(), table) != tables.end()) return std::vector{table};
  std::string known;
  for (const auto& each : tables) {
    if (each.folded() == table.folded()) {
      return Error{ErrorCode::not_found, "no-such-table",
                   fmt::format("the history has no table {}", table.to_string()),
                   fmt::format("it has {}: write it so", each.to_string())};
    }
  }
  return Error{ErrorCode::not_found, "no-such-table",
               fmt::format("the history has no applied upload of {}; it has {}", table.to_string(),
                           counted(tables.size(), "table")),
               "see that DATA_DIR, or DATABASE_URL, is the one that its uploads went to"};
}

Result<lake::TableLock> lock_table(const OpenLake& lake, const TableRef& table) {
  return lake::TableLock::take(lake.options.folder, table, [&] {
    fmt::print(stderr, "{} is being written by another process: waiting until it is done\n",
               table.to_string());
  });
}

Result<void> write_waiting(const OpenLake& lake, const TableRef& table) {
  io::SystemClock clock;
  DD_TRY(const auto uploads, lake.history().applied_uploads(table, history::kAnyVersion));
  for (const auto& upload : uploads) {
    if (upload.in_lake_at) continue;
    DD_TRY(const auto written, lake::write_upload(lake.options, lake.history(), upload, clock));
    fmt::print("{}: version {} was not in the lake: {} written\n", table.to_string(),
               upload.facts.version.value, counted(written.files, "file"));
  }
  return success();
}

lake::OnProgress show_progress(const TableRef& table, std::string_view noun, std::string_view done) {
  return [table, noun, done, last = std::chrono::steady_clock::now()](const lake::Progress& at) mutable {
    const auto now = std::chrono::steady_clock::now();
    if (now - last < kShowEvery) return;
    last = now;
    fmt::print(stderr, "{}: {} of {} {}, {}\n", table.to_string(), at.done, counted(at.total, noun), done,
               counted(at.files, "file"));
  };
}

}  // namespace deltadrop::cli
