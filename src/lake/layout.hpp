#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>

#include "core/event.hpp"

/// The paths and names of the lake's files: docs/lake.md. Pure.
namespace deltadrop::lake {

/// The maximum length in bytes of the key in a file name. A longer key is cut and gets a hash.
inline constexpr std::size_t kKeyPartMax = 150;

inline constexpr std::string_view kFileEnding = ".parquet";
/// The prefix of an unfinished file's name. Such a name does not end in kFileEnding.
inline constexpr std::string_view kTemporaryPrefix = ".tmp-";

/// `root`/<company>/<table>
std::filesystem::path table_folder(const std::filesystem::path& root, const TableRef& table);

/// Encodes `key` for a file name: a leading dot and bytes outside [A-Za-z0-9._-] become %XX. If the result
/// exceeds kKeyPartMax bytes, it is cut after the last whole character that fits, and `~` and the first 8 hex
/// digits of the key's SHA-256 follow.
std::string key_part(std::string_view key);

/// Returns the name of a file while it is written, before it becomes `file_name`.
std::string temporary_name(std::string_view file_name);
/// Reverses temporary_name.
std::string final_name(std::string_view temporary_name);

/// Returns the part of an upload's file names that is unique within its table: "20250310123456", with "~v7"
/// appended if version 7 has the same second as the previous version.
std::string upload_mark(const UploadFacts& upload, bool same_second);
/// Returns the mark in a file's name, or nothing if the name does not have the lake's form.
std::optional<std::string> upload_mark(std::string_view file_name);

/// Returns the "20250310123456" of a mark.
std::string_view second_of(std::string_view mark);

/// A range of a table's versions; both ends are included.
struct VersionRange {
  Version first;
  Version last;

  [[nodiscard]] bool contains(Version version) const { return first <= version && version <= last; }
  bool operator==(const VersionRange&) const = default;
};

/// A file with all events of one type of several versions. Compaction merges the files of their uploads into
/// it.
struct CompactedFile {
  ChangeType type = ChangeType::insert;
  VersionRange versions;
  bool operator==(const CompactedFile&) const = default;

  /// `first` is the first of the versions with events of the type; `first_key` is the key of its first event.
  [[nodiscard]] std::string name(const UploadFacts& first, std::string_view first_key) const;
  /// Parses a file's name. Returns nothing if it is not the name of a compacted file.
  static std::optional<CompactedFile> of_name(std::string_view file_name);
};

/// The file names of one upload. No name is returned twice.
class FileNames {
 public:
  /// `same_second`: the previous version with events has a timestamp in the same second.
  FileNames(const UploadFacts& upload, bool same_second);

  /// Returns the name of the file whose first event has this key and seq. Names differ even if case is
  /// ignored.
  std::string take(ChangeType type, std::string_view first_key, Seq first_seq);
  /// Returns true if `take` has returned this name.
  [[nodiscard]] bool taken(std::string_view file_name) const;
  [[nodiscard]] const std::string& mark() const { return mark_; }

 private:
  std::string mark_;
  std::size_t second_length_;                ///< the length of `mark_` before "~v"
  std::unordered_set<std::uint64_t> taken_;  ///< digests of the lower-case names, maybe millions
};

}  // namespace deltadrop::lake
