#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "lake/compaction.hpp"
#include "lake/lake.hpp"
#include "lake/table_writer.hpp"

namespace deltadrop::lake {

/// What a table's folder must hold by the history and the names of its compacted files.
struct TablePlan {
  std::filesystem::path folder;
  std::vector<history::UploadStatus> uploads;  ///< in the lake, by version
  std::set<std::string> waiting;               ///< marks of applied uploads that are not in the lake yet
  std::vector<history::LakeColumn> columns;
  Compaction compaction;
};

Result<TablePlan> plan_of(const Options& options, history::LakeLedger& history, const TableRef& table);

/// All files of the plan. False where `columns` had to be widened.
Result<bool> write_files(const TablePlan& plan, TableWriter& writer, TableColumns& columns,
                         TableWriter::Written& written, const OnProgress& progress);

/// Whether a name is of the lake's form and stands for nothing: not among the plan's files, and none of an
/// upload that is still to come.
bool is_extra(const TablePlan& plan, const TableWriter& writer, const std::string& name);

/// A value does not fit the column types that the history keeps for the table's files.
Error too_narrow(const TableRef& table);

}  // namespace deltadrop::lake
