#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "app/parts.hpp"
#include "cli/wanted_table.hpp"
#include "lake/lake.hpp"
#include "lake/table_lock.hpp"

/// What the commands of `deltadrop lake` share.
namespace deltadrop::cli {

/// The lake and the history that it is made of.
struct OpenLake {
  app::Settings settings;
  app::StoredHistory stored;
  lake::Options options;

  [[nodiscard]] history::HistoryStore& history() const { return *stored.history; }
};
Result<OpenLake> open_lake(const app::Settings& settings);

/// not_found "no-lake" where the history has `tables` and PARQUET_DIR is not there: one that was mistyped
/// must not look like a lake without files, nor come into being.
Result<void> check_lake_is_there(const OpenLake& lake, const std::vector<TableRef>& tables);

/// The table that is wanted, or all that the history has. not_found "no-such-table" for another one.
Result<std::vector<TableRef>> wanted_tables(const OpenLake& lake, const WantedTable& wanted);

/// Waits for whoever writes the table now, and says so.
Result<lake::TableLock> lock_table(const OpenLake& lake, const TableRef& table);

/// Brings those applied uploads into the lake that no consumer has yet. The caller holds the table's lock.
Result<void> write_waiting(const OpenLake& lake, const TableRef& table);

/// "so-financials/financials: 3 of 9 uploads written, 7 files" to standard error every few seconds, for work
/// that takes longer: `noun` "upload", `done` "written".
lake::OnProgress show_progress(const TableRef& table, std::string_view noun, std::string_view done);

}  // namespace deltadrop::cli
