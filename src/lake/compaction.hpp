#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "lake/lake.hpp"
#include "lake/layout.hpp"

namespace deltadrop::lake {

/// Knows which events of a table are in compacted files. The file names are the only record of it:
/// docs/decisions/0018.
class Compaction {
 public:
  Compaction() = default;
  /// Reads the file names of `folder`. Ignores a file with versions after `last`, the last version in the
  /// lake. If files of one type overlap, the one with the earliest first version counts, and of those the
  /// longest.
  static Result<Compaction> in_folder(const std::filesystem::path& folder, Version last);

  /// Returns true if a compacted file contains the version's events of the type.
  [[nodiscard]] bool holds(ChangeType type, Version version) const;
  [[nodiscard]] bool has(const CompactedFile& file) const;
  /// Returns the files by type and version.
  [[nodiscard]] const std::vector<CompactedFile>& files() const { return files_; }

 private:
  std::vector<CompactedFile> files_;
};

struct CompactReport {
  std::int64_t merged = 0;  ///< files that were merged
  std::int64_t files = 0;   ///< files that were written
  std::int64_t rows = 0;    ///< rows in the written files
};

/// Merges the files of consecutive versions that were accepted before `before`, type by type, into files of
/// up to PARQUET_MAX_ROWS events. One rename gives a merged file its name, then the old files are deleted. A
/// reader of the folder sees their rows twice for some milliseconds in between, or, after a crash at that
/// point, until the next call. Rows are never missing. The caller holds the TableLock. Errors as
/// write_upload's.
Result<CompactReport> compact_table(const Options& options, history::LakeLedger& history,
                                    const TableRef& table, std::optional<Timestamp> before,
                                    const OnProgress& progress);

}  // namespace deltadrop::lake
