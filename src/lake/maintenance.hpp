#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lake/lake.hpp"

/// Bringing a table's folder back to what the history says, finding out where it is not, and merging its
/// small files. Each call is for one table, whose TableLock the caller holds. Memory is bounded whatever the
/// number of events. Errors as write_upload's.
namespace deltadrop::lake {

/// How far a call has come, in uploads.
struct Progress {
  std::int64_t done = 0;
  std::int64_t total = 0;
  std::int64_t files = 0;
};
using OnProgress = std::function<void(const Progress&)>;

struct RebuildReport {
  std::int64_t uploads = 0;
  std::int64_t files = 0;
  std::int64_t rows = 0;
  std::int64_t removed = 0;  ///< files of the lake's form that were none of the table's, and unfinished ones
  std::int64_t waiting = 0;  ///< applied uploads that are not in the lake yet: a consumer's work
};

/// Writes every file of the table's uploads in the lake again, each by rename, then removes what else has a
/// name of the lake's form. Compacted files stay compacted. Files with other names are not touched.
Result<RebuildReport> rebuild_table(const Options& options, history::LakeLedger& history,
                                    const TableRef& table, const OnProgress& progress);

enum class Fault : std::uint8_t {
  missing,
  extra,       ///< a name of the lake's form that is none of the table's files
  differing,   ///< its bytes are not those that the history gives
  unfinished,  ///< what an interrupted write left
  folder       ///< a folder with a name of the lake's form: nothing here touches it
};
std::string_view to_string(Fault fault);

struct Damage {
  std::filesystem::path path;
  Fault fault = Fault::missing;
  std::string detail;
};

struct VerifyReport {
  std::int64_t uploads = 0;
  std::int64_t files = 0;
  std::int64_t rows = 0;
  std::int64_t damages = 0;
  std::int64_t folders = 0;  ///< of these, which rebuild_table does not mend
  std::int64_t waiting = 0;  ///< as RebuildReport's; what is there of their files already is not looked at
};

/// Makes each file anew, compares it with the one that is there byte by byte, and writes nothing. Calls
/// `damaged` for each that is not as it must be.
Result<VerifyReport> verify_table(const Options& options, history::LakeLedger& history, const TableRef& table,
                                  const std::function<void(const Damage&)>& damaged,
                                  const OnProgress& progress);

struct CompactReport {
  std::int64_t merged = 0;  ///< how many files went
  std::int64_t files = 0;   ///< into how many
  std::int64_t rows = 0;    ///< that they hold
};

/// Merges the files of versions that follow each other and were accepted before `before`, type by type, into
/// files of up to PARQUET_MAX_ROWS events. A merged file gets its name by one rename, then the files that it
/// stands for go: between the two, for some milliseconds, a reader of the folder sees their rows twice; after
/// a crash there, until this is called again. Nothing is ever missing.
Result<CompactReport> compact_table(const Options& options, history::LakeLedger& history,
                                    const TableRef& table, std::optional<Timestamp> before,
                                    const OnProgress& progress);

/// Names of PARQUET_DIR/<company>/<table> folders that have files of the lake's form.
Result<std::vector<TableRef>> tables_in_folder(const std::filesystem::path& root);

}  // namespace deltadrop::lake
