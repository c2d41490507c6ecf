#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>

#include "core/event.hpp"

/// Where the lake's files are and what they are called: docs/lake.md. Pure.
namespace deltadrop::lake {

/// Longest key part of a file name, in bytes, before the hash that stands for the rest.
inline constexpr std::size_t kKeyPartMax = 150;

inline constexpr std::string_view kFileEnding = ".parquet";
/// How the name of a file begins that is not finished yet. Such a name does not end in kFileEnding.
inline constexpr std::string_view kTemporaryPrefix = ".tmp-";

/// `root`/<company>/<table>
std::filesystem::path table_folder(const std::filesystem::path& root, const TableRef& table);

/// `key` as it stands in a file name: bytes outside [A-Za-z0-9._-], and a leading dot, as %XX; over
/// kKeyPartMax bytes: as many whole ones as fit, `~` and the first 8 hex digits of the whole key's SHA-256.
std::string key_part(std::string_view key);

/// The name under which a file is written before it gets `file_name`.
std::string temporary_name(std::string_view file_name);
/// The reverse.
std::string final_name(std::string_view temporary_name);

/// What tells an upload's file names from all others of its table: "20250310123456", with "~v7" behind where
/// version 7 is in the same second as the version before.
std::string upload_mark(const UploadFacts& upload, bool same_second);
/// The mark in a file's name; nothing where the name is none of ours.
std::optional<std::string> upload_mark(std::string_view file_name);

/// "20250310123456" of a mark.
std::string_view second_of(std::string_view mark);

/// Versions of one table, both included.
struct VersionRange {
  Version first;
  Version last;

  [[nodiscard]] bool contains(Version version) const { return first <= version && version <= last; }
  bool operator==(const VersionRange&) const = default;
};

/// A file of all events of one type of several versions: what compaction makes of the files of their uploads.
struct CompactedFile {
  ChangeType type = ChangeType::insert;
  VersionRange versions;
  bool operator==(const CompactedFile&) const = default;

  /// `first`: the first of the versions that has events of the type; `first_key`: of its first event.
  [[nodiscard]] std::string name(const UploadFacts& first, std::string_view first_key) const;
  /// What a file's name says; nothing where it is not that of a compacted file.
  static std::optional<CompactedFile> of_name(std::string_view file_name);
};

/// The file names of one upload, each given once.
class FileNames {
 public:
  /// `same_second`: the previous version with events has a timestamp in the same second.
  FileNames(const UploadFacts& upload, bool same_second);

  /// The name of the file whose first event has that key and seq. Names differ even where case is ignored.
  std::string take(ChangeType type, std::string_view first_key, Seq first_seq);
  /// Whether `take` gave this name.
  [[nodiscard]] bool taken(std::string_view file_name) const;
  [[nodiscard]] const std::string& mark() const { return mark_; }

 private:
  std::string mark_;
  std::size_t second_length_;                ///< of `mark_`, before "~v"
  std::unordered_set<std::uint64_t> taken_;  ///< digests of the names in lower case: there may be millions
};

}  // namespace deltadrop::lake
