#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lake/compaction.hpp"
#include "lake/file_target.hpp"
#include "lake/known_folders.hpp"
#include "lake/lake.hpp"
#include "lake/layout.hpp"
#include "lake/table_columns.hpp"

namespace deltadrop::lake {

/// Writes files of some of a table's uploads into its folder:
///
///     open, write each upload, publish
///
/// Files have temporary names until `publish`, so readers see only the old files. `publish` then renames them
/// one by one. Only one writer per table may run at a time: see TableLock.
class TableWriter {
 public:
  struct Written {
    std::int64_t files = 0;
    std::int64_t rows = 0;
  };

  TableWriter(const Options& options, history::LakeLedger& history, const TableRef& table);
  /// Sends the files to `target` instead of the folder. Neither `open` nor `publish` may be called.
  TableWriter(const Options& options, history::LakeLedger& history, const TableRef& table,
              FileTarget& target);

  /// Sets the compacted files. `write` skips the events that they contain. Must be called before the first
  /// write.
  void respect(Compaction compaction) { compaction_ = std::move(compaction); }
  [[nodiscard]] const Compaction& compaction() const { return compaction_; }

  /// Sets the known contents of the folder, so it need not be listed. Must be called before `open`. Replaces
  /// `respect`, since the contents include the compaction.
  void trust(FolderContents contents);

  /// Creates the folder and removes temporary files: those of an interrupted write, and those written since
  /// the last `publish`.
  Result<void> open();
  /// Writes the files of an applied upload. Returns nothing if a value does not fit `columns`, which are then
  /// widened for all values. Everything written since `open` must then be written again with these columns.
  /// Errors as write_upload's.
  Result<std::optional<Written>> write(const UploadFacts& upload, TableColumns& columns);
  /// Writes one file with all events of the type from those of `uploads` (by version) that are in the file's
  /// range, or no file if there are no such events. Otherwise like `write`.
  Result<std::optional<Written>> write_compacted(const CompactedFile& file,
                                                 std::span<const history::UploadStatus> uploads,
                                                 TableColumns& columns);
  /// Renames the files to their final names. Deletes files that contain the same events under other names,
  /// because the split or layout has changed, and compacted files that do not count. Makes all of it durable.
  Result<void> publish();
  /// Returns the contents of the folder after `publish`.
  [[nodiscard]] FolderContents contents() const;
  /// Does the same as `open` but ignores failures, for use after a more important failure.
  void discard();

  /// Returns true if a file of this name was written since `open`.
  [[nodiscard]] bool wrote(std::string_view file_name) const;
  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }

 private:
  /// The maximum number of unfinished files whose names are kept. Beyond it, the folder is listed to find
  /// them.
  static constexpr std::size_t kUnfinishedMax = 1'000;

  Result<void> begin_file(const std::string& name);
  Result<void> remove_unfinished();
  Result<void> name_finished();
  /// Returns true if the trusted folder has no file of the uploads that were written.
  [[nodiscard]] bool all_is_new() const;
  [[nodiscard]] bool stale(const std::string& file_name) const;

  std::int64_t rows_max_;
  history::LakeLedger& history_;
  std::filesystem::path folder_;
  std::unique_ptr<FileTarget> own_target_;
  FileTarget& target_;
  Compaction compaction_;
  std::optional<FolderContents> trusted_;
  FolderContents found_;                 ///< the folder's contents, listed after `publish`
  std::vector<std::string> unfinished_;  ///< names of the files that were begun, up to kUnfinishedMax
  bool has_more_unfinished_ = false;
  std::map<std::string, FileNames> written_;                             ///< by upload_mark
  std::map<std::string, CompactedFile, std::less<>> written_compacted_;  ///< by name
};

/// Returns the mark in the names of the upload's files.
Result<std::string> mark_of(history::LakeLedger& history, const UploadFacts& upload);

/// Removes files whose events are now in files of other names. Makes those durable first.
Result<void> remove_superseded(const std::filesystem::path& folder, const std::vector<std::string>& names);

}  // namespace deltadrop::lake
