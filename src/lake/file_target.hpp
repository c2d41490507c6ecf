#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "core/result.hpp"
#include "io/fault_point.hpp"
#include "io/file.hpp"

namespace deltadrop::lake {

/// Receives a table's files, one after another.
class FileTarget {
 public:
  FileTarget() = default;
  FileTarget(const FileTarget&) = delete;
  FileTarget& operator=(const FileTarget&) = delete;
  virtual ~FileTarget() = default;

  /// Begins a file. The previous file has ended or is abandoned.
  virtual Result<void> begin(const std::string& name) = 0;
  virtual Result<void> write(std::string_view bytes) = 0;
  virtual Result<void> end() = 0;
};

/// Writes each file into a folder under its temporary name and syncs it.
class FolderTarget final : public FileTarget {
 public:
  explicit FolderTarget(std::filesystem::path folder) : folder_(std::move(folder)) {}

  /// Fails with conflict, type "file-exists", if a file has the temporary name. Fails with type
  /// "folder-in-the-way" if a folder has that name or the final one.
  Result<void> begin(const std::string& name) override;
  Result<void> write(std::string_view bytes) override { return file_->write(bytes); }
  Result<void> end() override;

 private:
  std::filesystem::path folder_;
  std::optional<io::File> file_;
};

/// Calls `use` with each entry of `folder`, which may be missing. Passes through the fault point "list".
template <class Use>
Result<void> for_each_entry(const std::filesystem::path& folder, Use use) {
  if (const int number = io::fault_point("list", folder)) return io::system_error("list", folder, number);
  std::error_code error;
  std::filesystem::directory_iterator entry(folder, error);
  if (error == std::errc::no_such_file_or_directory) return success();
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    DD_TRY(use(*entry));
  }
  if (error) return io::system_error("list", folder, error.value());
  return success();
}

/// Returns true if `path` is a folder. A link to a folder does not count, because a rename replaces it.
inline bool is_folder(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::is_directory(std::filesystem::symlink_status(path, ignored));
}

/// The same for an entry of a listing, which usually needs no system call: a table may have as many files as
/// events.
inline bool is_folder(const std::filesystem::directory_entry& entry) {
  std::error_code ignored;
  return !entry.is_symlink(ignored) && entry.is_directory(ignored);
}

/// Calls `use` with the name of each file of `folder`, which may be missing. Skips folders whatever their
/// names; the lake creates none there.
template <class Use>
Result<void> for_each_file(const std::filesystem::path& folder, Use use) {
  return for_each_entry(folder, [&](const std::filesystem::directory_entry& entry) -> Result<void> {
    if (is_folder(entry)) return success();
    return use(entry.path().filename().string());
  });
}

}  // namespace deltadrop::lake
