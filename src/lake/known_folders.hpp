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

/// What must be known of a table's folder to write an upload into it: a few words, however many files it has.
/// No file there is unfinished.
struct FolderContents {
  Compaction compaction;
  Version last_version{0};       ///< no later upload was written when it was looked at, or since
  std::string newest_second;     ///< of all upload_marks; empty where there is none
  std::set<std::string> newest;  ///< the marks of that second

  /// Takes note of a file's name that stays, or of the mark of an upload that was written.
  void note_mark(std::string_view mark);
  /// Whether nothing in the folder can be of the upload whose mark that is.
  [[nodiscard]] bool has_nothing_of(std::string_view mark) const;
};

/// The folders that this process wrote last, so that an upload need not list its table's: a table may have as
/// many files as it had uploads. What another process, or a user, changed since is not known. See
/// docs/decisions/0032-costs-that-grow.md. Not thread-safe.
class KnownFolders {
 public:
  /// The table's lock was taken, with this io::LockFile::count: what is known of its folder is forgotten when
  /// another process had the lock in between, or nobody can tell.
  void locked(const TableRef& table, std::optional<std::uint64_t> number);

  /// What the folder has, if that is known and the folder was not changed since. It is not known any more
  /// until it is remembered: nobody knows what is there after a failure.
  std::optional<FolderContents> take(const TableRef& table, const std::filesystem::path& folder);
  /// To be called while the lock is held.
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
