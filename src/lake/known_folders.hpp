#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "core/event.hpp"
#include "io/file_stamp.hpp"
#include "lake/compaction.hpp"

namespace deltadrop::lake {

/// The knowledge about a table's folder that a write of an upload needs. Its size does not depend on the
/// number of files. The folder has no unfinished files.
struct FolderContents {
  Compaction compaction;
  Version last_version{0};       ///< no later version was written so far
  std::string newest_second;     ///< of all upload_marks; empty without files
  std::set<std::string> newest;  ///< the marks of that second

  /// Records the mark of a file that remains or of an upload that was written.
  void note_mark(std::string_view mark);
  /// Returns true if the folder cannot contain a file of the upload with this mark.
  [[nodiscard]] bool has_nothing_of(std::string_view mark) const;
};

/// The folders that this process wrote recently, so that a write need not list its table's folder: a table
/// may have as many files as uploads. An entry is discarded if another process had the table's lock or the
/// folder's stamp has changed. docs/decisions/0032-costs-that-grow.md. Not thread-safe.
class KnownFolders {
 public:
  /// Must be called after the table's lock is taken; `number` is its io::LockFile::count. Forgets the folder
  /// if another process had the lock in between, or if that is unknown.
  void locked(const TableRef& table, std::optional<std::uint64_t> number);

  /// Returns the folder's contents if they are known and the folder has not changed since. Forgets them until
  /// the next `remember`, because they are unknown after a failure.
  std::optional<FolderContents> take(const TableRef& table, const std::filesystem::path& folder);
  /// The caller holds the lock.
  void remember(const TableRef& table, const std::filesystem::path& folder, FolderContents contents);

 private:
  struct Known {
    std::optional<std::uint64_t> lock_number;
    std::optional<io::FileStamp> stamp;
    FolderContents contents;
  };
  std::map<TableRef, Known> known_;
};

}  // namespace deltadrop::lake
