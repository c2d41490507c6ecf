#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "lake/compaction.hpp"
#include "lake/lake.hpp"
#include "lake/table_writer.hpp"

namespace deltadrop::lake {

/// The expected contents of a table's folder, from the history and the names of its compacted files.
struct TablePlan {
  std::filesystem::path folder;
  std::vector<history::UploadStatus> uploads;  ///< those in the lake, by version
  std::set<std::string> waiting;               ///< marks of applied uploads that are not in the lake yet
  std::vector<history::LakeColumn> columns;
  Compaction compaction;
};

Result<TablePlan> plan_of(const Options& options, history::LakeLedger& history, const TableRef& table);

/// Writes all files of the plan. Returns false if `columns` had to be widened.
Result<bool> write_files(const TablePlan& plan, TableWriter& writer, TableColumns& columns,
                         TableWriter::Written& written, const OnProgress& progress);

/// Returns true if a name has the lake's form but belongs neither to a file of the plan nor to an upload that
/// is still waiting.
bool is_extra(const TablePlan& plan, const TableWriter& writer, const std::string& name);

/// Reports that a value does not fit the column types that the history stores for the table's files.
Error too_narrow(const TableRef& table);

}  // namespace deltadrop::lake
