#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "lake/lake.hpp"
#include "lake/layout.hpp"

namespace deltadrop::lake {

/// Which events of a table are in compacted files. The files' own names are the record of it:
/// docs/decisions/0018.
class Compaction {
 public:
  Compaction() = default;
  /// By the names in `folder`. A file that reaches beyond `last`, the last version in the lake, does not
  /// count; where two of one type overlap, the one that begins first does, of these the longer.
  static Result<Compaction> in_folder(const std::filesystem::path& folder, Version last);

  /// Whether the events of that type of that version are in a compacted file.
  [[nodiscard]] bool holds(ChangeType type, Version version) const;
  [[nodiscard]] bool has(const CompactedFile& file) const;
  /// In the order of type and version.
  [[nodiscard]] const std::vector<CompactedFile>& files() const { return files_; }

 private:
  std::vector<CompactedFile> files_;
};

struct CompactReport {
  std::int64_t merged = 0;  ///< how many files went
  std::int64_t files = 0;   ///< into how many
  std::int64_t rows = 0;    ///< that they hold
};

/// Merges the files of versions that follow each other and were accepted before `before`, type by type, into
/// files of up to PARQUET_MAX_ROWS events. A merged file gets its name by one rename, then the files that it
/// stands for go: between the two, for some milliseconds, a reader of the folder sees their rows twice; after
/// a crash there, until this is called again. Nothing is ever missing. The caller holds the
/// TableLock. Errors as write_upload's.
Result<CompactReport> compact_table(const Options& options, history::LakeLedger& history,
                                    const TableRef& table, std::optional<Timestamp> before,
                                    const OnProgress& progress);

}  // namespace deltadrop::lake
