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

/// One table's folder while files of some of its uploads are written into it:
///
///     open, write each upload, publish
///
/// Until `publish` all of them have temporary names, so that readers see the files as they were before,
/// whatever happens; then they get their names, one rename after another. One writer a table at a time: see
/// TableLock.
class TableWriter {
 public:
  struct Written {
    std::int64_t files = 0;
    std::int64_t rows = 0;
  };

  TableWriter(const Options& options, history::LakeLedger& history, const TableRef& table);
  /// For the files that would be written: they go to `target`; neither `open` nor `publish` is called.
  TableWriter(const Options& options, history::LakeLedger& history, const TableRef& table,
              FileTarget& target);

  /// What compacted files have is not written with its upload. To be called before anything is written.
  void respect(Compaction compaction) { compaction_ = std::move(compaction); }
  [[nodiscard]] const Compaction& compaction() const { return compaction_; }

  /// The folder need not be listed to know what it has. To be called before `open`, with its compaction
  /// instead of `respect`.
  void trust(FolderContents contents);

  /// Makes the folder and removes temporary files: what an interrupted write left behind, and what was
  /// written since the last `publish`.
  Result<void> open();
  /// Writes the files of an applied upload. Nothing where one of its values does not fit `columns`, which
  /// then are as wide as all of them need: all that was written since `open` must be written again with
  /// these. Errors as write_upload's.
  Result<std::optional<Written>> write(const UploadFacts& upload, TableColumns& columns);
  /// Writes one file of all events of the type of those of `uploads` (by version) that are in its range; no
  /// file where there are none. As `write`.
  Result<std::optional<Written>> write_compacted(const CompactedFile& file,
                                                 std::span<const history::UploadStatus> uploads,
                                                 TableColumns& columns);
  /// Gives the files their names, removes those that stand for the same events under other names (the split
  /// or the layout was another one before) and compacted files that do not count, and makes it all durable.
  Result<void> publish();
  /// What the folder has after `publish`.
  [[nodiscard]] FolderContents contents() const;
  /// As `open`, where another failure matters more than one of this.
  void discard();

  /// Whether a file of that name was written since `open`.
  [[nodiscard]] bool wrote(std::string_view file_name) const;
  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }

 private:
  /// So many names of unfinished files are kept; where there are more, the folder is listed for them.
  static constexpr std::size_t kUnfinishedMax = 1'000;

  Result<void> begin_file(const std::string& name);
  Result<void> remove_unfinished();
  Result<void> name_finished();
  /// The trusted folder has no file of what was written.
  [[nodiscard]] bool all_is_new() const;
  [[nodiscard]] bool stale(const std::string& file_name) const;

  std::int64_t rows_max_;
  history::LakeLedger& history_;
  std::filesystem::path folder_;
  std::unique_ptr<FileTarget> own_target_;
  FileTarget& target_;
  Compaction compaction_;
  std::optional<FolderContents> trusted_;
  FolderContents found_;                 ///< what the list of the folder says after `publish`
  std::vector<std::string> unfinished_;  ///< names of files that were begun, up to kUnfinishedMax
  bool has_more_unfinished_ = false;
  std::map<std::string, FileNames> written_;                             ///< by upload_mark
  std::map<std::string, CompactedFile, std::less<>> written_compacted_;  ///< by name
};

/// The mark in the names of the upload's files.
Result<std::string> mark_of(history::LakeLedger& history, const UploadFacts& upload);

/// Removes these files of the folder, whose events have files of other names there: those are made durable
/// first.
Result<void> remove_superseded(const std::filesystem::path& folder, const std::vector<std::string>& names);

}  // namespace deltadrop::lake
