#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>

#include "app/data_dir.hpp"
#include "cli/checks.hpp"
#include "cli/lake_commands.hpp"
#include "cli/lake_tables.hpp"
#include "cli/settings_options.hpp"
#include "cli/standard_output.hpp"
#include "core/text.hpp"
#include "io/file.hpp"
#include "io/point_in_time.hpp"
#include "lake/state_file.hpp"

namespace deltadrop::cli {
namespace {

namespace fs = std::filesystem;

constexpr int kLinksMax = 40;  ///< Linux's limit

struct WantedState {
  WantedTable table;
  std::string as_of;
  std::optional<Timestamp> time;  ///< the time of as_of
  std::int64_t version = 0;       ///< 0: no version given
  std::string output;
};

/// Fails if the version is later than the last one in the history.
Result<void> check_version(const OpenLake& lake, const TableRef& table, Version version) {
  DD_TRY(const auto uploads, lake.history().applied_uploads(table, history::kAnyVersion));
  if (uploads.empty() || version <= uploads.back().facts.version) return success();
  const auto last = uploads.back().facts.version.value;
  return Error{
      ErrorCode::not_found, "no-such-version",
      fmt::format("the history has no version {} of {}: the last is {}", version.value, table.to_string(),
                  last),
      fmt::format("give one from 1 to {}; a later one that changed nothing has the same records, and "
                  "one that was just uploaded is there when it is applied",
                  last)};
}

Result<lake::TableState> state_wanted(const OpenLake& lake, const TableRef& table,
                                      const WantedState& wanted) {
  if (wanted.version == 0) return lake::state_at(lake.history(), table, wanted.time);
  DD_TRY(check_version(lake, table, Version(wanted.version)));
  DD_TRY(auto state, lake::state_of(lake.history(), table, Version(wanted.version)));
  if (state.of.version.value != wanted.version) {
    fmt::print(stderr, "{}: version {} has no changes in this history: what follows is version {}\n",
               table.to_string(), wanted.version, state.of.version.value);
  }
  return state;
}

Result<void> to_standard_output(lake::StateFile& file) {
  while (true) {
    DD_TRY(const auto piece, file.next());
    if (piece.empty()) return success();
    if (std::fwrite(piece.data(), 1, piece.size(), stdout) != piece.size()) {
      return output_failed();
    }
  }
}

/// Returns the file that `output` refers to. Follows links, so that a link remains and its target is
/// replaced.
Result<fs::path> place_of(const fs::path& output) {
  std::error_code failed;
  fs::path place = output;
  for (int links = 0; fs::is_symlink(fs::symlink_status(place, failed)); ++links) {
    if (links == kLinksMax) return io::system_error("follow", output, ELOOP);
    // A relative target is relative to the link's folder.
    const auto target = fs::read_symlink(place, failed);
    if (failed) return io::system_error("read the link", place, failed.value());
    place = place.parent_path() / target;
  }
  return place;
}

/// Fails if `output` is a pipe, device or folder, because the export replaces the path instead of writing
/// into it.
Result<void> check_output(const fs::path& output) {
  std::error_code ignored;
  const auto status = fs::status(output, ignored);
  if (output == "-" || !fs::exists(status) || fs::is_regular_file(status)) return success();
  return Error{ErrorCode::invalid_input, "no-file", fmt::format("--output {} is not a file", output.string()),
               "give the name of a file, or --output - and send standard output there"};
}

/// Writes a temporary file and renames it, so that a reader of `output` sees either the old file or the
/// complete new one.
Result<void> to_file(lake::StateFile& file, const fs::path& output, io::Readers readers) {
  DD_TRY(const auto path, place_of(output));
  auto temporary = path;
  temporary += fmt::format(".tmp-{}", ::getpid());
  const auto write = [&]() -> Result<void> {
    DD_TRY(io::remove_file(temporary));
    DD_TRY(auto out, io::File::create(temporary, 0644, readers));
    while (true) {
      DD_TRY(const auto piece, file.next());
      if (piece.empty()) break;
      DD_TRY(out.write(piece));
    }
    DD_TRY(out.sync());
    DD_TRY(out.close());
    DD_TRY(io::rename_file(temporary, path));
    return io::sync_folder(path.has_parent_path() ? path.parent_path() : ".");
  };
  auto written = write();
  if (!written.has_value()) static_cast<void>(io::remove_file(temporary));
  return written;
}

Result<void> export_one(const OpenLake& lake, const TableRef& table, const WantedState& wanted,
                        const fs::path& output, io::Readers readers) {
  DD_TRY(check_output(output));
  DD_TRY(auto state, state_wanted(lake, table, wanted));
  const auto of = state.of;
  DD_TRY(auto file, lake::StateFile::begin(lake.history(), std::move(state)));
  if (output == "-") return to_standard_output(file);
  DD_TRY(to_file(file, output, readers));
  const auto as_of = wanted.time ? fmt::format(", as of {},", wanted.time->to_string()) : std::string();
  fmt::print("{}: {} of version {} (from {} on){} in {}\n", table.to_string(), counted(file.rows(), "record"),
             of.version.value, of.as_of.to_string(), as_of, output.string());
  return success();
}

/// Returns the default path, beside the CSV file of the last version.
Result<fs::path> current_path(const app::Settings& settings, const TableRef& table) {
  const fs::path data_dir = settings.data_dir.path;
  std::error_code ignored;
  if (!fs::is_directory(data_dir, ignored)) {
    return Error{ErrorCode::invalid_input, "no-output",
                 fmt::format("where to? DATA_DIR {} is not there", data_dir.string()),
                 "give --output FILE, or --output - for standard output"};
  }
  const auto folder = data_dir / "current" / table.company_id;
  DD_TRY(io::make_folders_durably(folder));
  return folder / (table.table_name + ".parquet");
}

Result<int> export_state(const app::Settings& settings, WantedState wanted) {
  const bool of_the_past = !wanted.as_of.empty() || wanted.version != 0;
  if (of_the_past && wanted.output.empty()) {
    return Error{ErrorCode::invalid_input, "no-output", "where to?",
                 "give --output FILE, or --output - for standard output"};
  }
  if (!wanted.as_of.empty()) {
    DD_TRY(wanted.time, io::parse_point_in_time(wanted.as_of, io::BareDate::end_of_day, settings.time_zone));
  }
  DD_TRY(const auto lake, open_lake(settings));
  DD_TRY(const auto tables, wanted_tables(lake, wanted.table));
  if (!wanted.output.empty() && tables.size() != 1) {
    return Error{ErrorCode::invalid_input, "which-table",
                 fmt::format("--output is one file, and the history has {}", counted(tables.size(), "table")),
                 "name one: `deltadrop lake export COMPANY TABLE --output FILE`"};
  }
  for (const auto& table : tables) {
    if (!wanted.output.empty()) {
      DD_TRY(export_one(lake, table, wanted, wanted.output, io::Readers::by_umask));
      continue;
    }
    app::close_like_data_dir(settings);
    DD_TRY(const auto output, current_path(settings, table));
    DD_TRY(export_one(lake, table, wanted, output, io::Readers::as_closed));
  }
  return 0;
}

}  // namespace

void add_lake_export_command(CLI::App& group, int& exit_code) {
  auto* command =
      group.add_subcommand("export", "a table's records at a time, or of a version, as one Parquet file");
  const auto flags = add_settings_options(*command);
  const auto wanted = std::make_shared<WantedState>();
  add_table_arguments(*command, wanted->table);
  auto* as_of =
      command
          ->add_option(
              "--as-of", wanted->as_of,
              "the records that hold at this time; a date means the end of that day in TIMEZONE (now)")
          ->type_name("TIME")
          ->check(refuse_empty);
  command->add_option("--version", wanted->version, "the records of this version")
      ->check(whole_number)
      ->excludes(as_of);
  command
      ->add_option(
          "--output", wanted->output,
          "file to write, - for standard output; DATA_DIR/current/COMPANY/TABLE.parquet for the present")
      ->type_name("FILE")
      ->check(refuse_empty);
  command->footer(
      "Columns: key, those of the table in its lake's types, valid_from, valid_to, version, upload_id.\n"
      "The file is of the moment when it is written: uploads do not renew it.\n\n"
      "Examples:\n"
      "  deltadrop lake export                                                  every table, as it is now\n"
      "  deltadrop lake export so-financials financials --as-of 2025-03-31 --output march.parquet\n"
      "  deltadrop lake export so-financials financials --version 7 --output - > v7.parquet");
  command->callback([flags, wanted, &exit_code] {
    exit_code = run_with_settings(
        *flags, [&](const app::Settings& settings) { return export_state(settings, *wanted); });
  });
}

}  // namespace deltadrop::cli
