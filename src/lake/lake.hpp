#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "history/lake_ledger.hpp"
#include "io/clock.hpp"

/// Parquet files of applied events. docs/lake.md is their layout and format.
namespace deltadrop::lake {

enum class FileLayout : std::uint8_t {
  upload,  ///< one file for all events of one type of one upload
  event,   ///< one file an event
};

class KnownFolders;

struct Options {
  std::filesystem::path folder;       ///< PARQUET_DIR; made when missing
  std::int64_t rows_max = 1'000'000;  ///< PARQUET_MAX_ROWS of one file
  FileLayout layout = FileLayout::upload;
};

struct WriteReport {
  std::int64_t files = 0;              ///< of this upload
  std::int64_t rows = 0;               ///< of this upload
  std::int64_t rewritten_uploads = 0;  ///< older uploads whose files were written again for their columns
  std::vector<std::string> warnings;   ///< one sentence for each type of `types=` that its column cannot have
};

/// How far a call has come, in uploads.
struct Progress {
  std::int64_t done = 0;
  std::int64_t total = 0;
  std::int64_t files = 0;
};
using OnProgress = std::function<void(const Progress&)>;

/// Makes the folder where it is missing; whether this process may write there. Errors as io's.
Result<void> check_folder(const std::filesystem::path& folder);

/// Writes an applied upload's files and marks it as in the lake: at the time that `clock` has when all files
/// have their names. Content and names are a function of the history alone, so writing again is harmless, and
/// a crash in between leaves only temporary files and files that the next write of the table removes or
/// replaces. When the upload brings columns that the table's files do not have, or values that their types do
/// not hold, all older uploads in the lake are written again with it. Memory is bounded whatever the number
/// of events. One writer a table at a time. Errors as history::LakeLedger's and io's, and `corrupt` where
/// the history's events contradict their upload; then the upload is not marked. With `known`, whose `locked`
/// was called, the folder is listed only where it must be: the cost does not grow with the files there.
Result<WriteReport> write_upload(const Options& options, history::LakeLedger& history,
                                 const history::UploadStatus& upload, io::Clock& clock,
                                 KnownFolders* known = nullptr);

}  // namespace deltadrop::lake
