#pragma once

#include <cstdint>

#include "lake/lake.hpp"

namespace deltadrop::lake {

struct RebuildReport {
  std::int64_t uploads = 0;
  std::int64_t files = 0;
  std::int64_t rows = 0;
  std::int64_t removed = 0;  ///< files of the lake's form that the table does not have, and unfinished files
  std::int64_t waiting = 0;  ///< applied uploads that are not in the lake yet; a consumer writes them
};

/// Rewrites every file of the table's uploads in the lake, each by rename, then deletes all other files with
/// names of the lake's form. Compacted files stay compacted. Files with other names are not touched. The
/// caller holds the TableLock. Memory is bounded for any number of events. Errors as write_upload's.
Result<RebuildReport> rebuild_table(const Options& options, history::LakeLedger& history,
                                    const TableRef& table, const OnProgress& progress);

}  // namespace deltadrop::lake
