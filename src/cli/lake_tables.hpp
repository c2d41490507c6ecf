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

/// Functions that the commands of `deltadrop lake` share.
namespace deltadrop::cli {

/// A lake and the history that it is written from.
struct OpenLake {
  app::Settings settings;
  app::StoredHistory stored;
  lake::Options options;

  [[nodiscard]] history::HistoryStore& history() const { return *stored.history; }
};
Result<OpenLake> open_lake(const app::Settings& settings);

/// Fails with not_found "no-lake" if the history has `tables` but PARQUET_DIR does not exist. A mistyped
/// folder must neither look like an empty lake nor be created.
Result<void> check_lake_is_there(const OpenLake& lake, const std::vector<TableRef>& tables);

/// Returns the wanted table, or all tables of the history. Fails with not_found "no-such-table" if the
/// history lacks it.
Result<std::vector<TableRef>> wanted_tables(const OpenLake& lake, const WantedTable& wanted);

/// Locks the table. If another process is writing it, prints that and waits.
Result<lake::TableLock> lock_table(const OpenLake& lake, const TableRef& table);

/// Writes the applied uploads that are not yet in the lake. The caller must hold the table's lock.
Result<void> write_waiting(const OpenLake& lake, const TableRef& table);

/// Returns a callback that prints the progress to standard error every few seconds:
/// "so-financials/financials: 3 of 9 uploads written, 7 files", with `noun` "upload" and `done` "written".
lake::OnProgress show_progress(const TableRef& table, std::string_view noun, std::string_view done);

}  // namespace deltadrop::cli
