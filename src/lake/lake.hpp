#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "history/lake_ledger.hpp"
#include "io/clock.hpp"

/// Parquet files of applied events. docs/lake.md describes their layout and format.
namespace deltadrop::lake {

enum class FileLayout : std::uint8_t {
  upload,  ///< one file for all events of one type of one upload
  event,   ///< one file per event
};

class KnownFolders;

struct Options {
  std::filesystem::path folder;       ///< PARQUET_DIR; created if missing
  std::int64_t rows_max = 1'000'000;  ///< PARQUET_MAX_ROWS, per file
  FileLayout layout = FileLayout::upload;
};

struct WriteReport {
  std::int64_t files = 0;              ///< of this upload
  std::int64_t rows = 0;               ///< of this upload
  std::int64_t rewritten_uploads = 0;  ///< older uploads rewritten because their columns changed
  std::vector<std::string> warnings;   ///< one sentence per type of `types=` that its column cannot have
};

/// The progress of a call, in uploads.
struct Progress {
  std::int64_t done = 0;
  std::int64_t total = 0;
  std::int64_t files = 0;
};
using OnProgress = std::function<void(const Progress&)>;

/// Creates the folder if it is missing and checks that this process may write there. Errors as io's.
Result<void> check_folder(const std::filesystem::path& folder);

/// Writes an applied upload's files and then marks it as in the lake, with the time that `clock` has once all
/// files have their names. Contents and names depend only on the history, so a repeated write is harmless.
/// After a crash, the next write of the table removes or replaces the files left behind. If the upload adds
/// columns or has values that the column types cannot hold, all older uploads in the lake are rewritten with
/// it. Memory is bounded for any number of events. Only one writer per table may run at a time.
///
/// With `known`, whose `locked` must have been called, the folder is listed only if necessary, so the cost
/// does not grow with its files.
///
/// Errors as history::LakeLedger's and io's, and `corrupt` if the history's events contradict their upload. A
/// failed upload is not marked.
Result<WriteReport> write_upload(const Options& options, history::LakeLedger& history,
                                 const history::UploadStatus& upload, io::Clock& clock,
                                 KnownFolders* known = nullptr);

}  // namespace deltadrop::lake
