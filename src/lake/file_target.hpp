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

/// Where a table's files go, one after another.
class FileTarget {
 public:
  FileTarget() = default;
  FileTarget(const FileTarget&) = delete;
  FileTarget& operator=(const FileTarget&) = delete;
  virtual ~FileTarget() = default;

  /// The file before has ended, or nothing more comes of it.
  virtual Result<void> begin(const std::string& name) = 0;
  virtual Result<void> write(std::string_view bytes) = 0;
  virtual Result<void> end() = 0;
};

/// Into a folder, each file under its temporary name, synced.
class FolderTarget final : public FileTarget {
 public:
  explicit FolderTarget(std::filesystem::path folder) : folder_(std::move(folder)) {}

  /// Fails with conflict, type "file-exists", when there is a file of the temporary name; type
  /// "folder-in-the-way" when there is a folder of that name, or of the one that the file is to get.
  Result<void> begin(const std::string& name) override;
  Result<void> write(std::string_view bytes) override { return file_->write(bytes); }
  Result<void> end() override;

 private:
  std::filesystem::path folder_;
  std::optional<io::File> file_;
};

/// Calls `use` with each entry of `folder`, which may be missing. Passes the fault point "list".
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

/// Whether a folder is there; a link to one is none: a rename replaces it.
inline bool is_folder(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::is_directory(std::filesystem::symlink_status(path, ignored));
}

/// The same of an entry of a list, which mostly says it without another look: a table may have as many files
/// as events.
inline bool is_folder(const std::filesystem::directory_entry& entry) {
  std::error_code ignored;
  return !entry.is_symlink(ignored) && entry.is_directory(ignored);
}

/// Calls `use` with the name of each file of `folder`, which may be missing. A folder in it is none of ours,
/// whatever its name.
template <class Use>
Result<void> for_each_file(const std::filesystem::path& folder, Use use) {
  return for_each_entry(folder, [&](const std::filesystem::directory_entry& entry) -> Result<void> {
    if (is_folder(entry)) return success();
    return use(entry.path().filename().string());
  });
}

}  // namespace deltadrop::lake
