#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "app/settings.hpp"
#include "core/result.hpp"
#include "io/lock_file.hpp"

namespace deltadrop::app {

/// A DATA_DIR that this process has locked.
struct DataDir {
  std::filesystem::path path;
  io::LockFile lock;
};

/// The kind of a DATA_DIR: the log and history that it is used with. The folder stores its kind, because
/// opening another log does not move the events.
inline constexpr std::string_view kEmbeddedKind = "embedded";
inline constexpr std::string_view kKafkaKind = "kafka";

/// Creates the folder if it is missing, locks it, and checks that it is of `kind`, which the first use
/// records. Closes the folder and all files that this process creates to other users, except to DATA_GROUP if
/// that is set. Fails with conflict "other-kind" if the folder is of another kind.
Result<DataDir> open_data_dir(const Settings& settings, std::string_view kind);

/// Locks an existing folder of any kind, for a repair. Does not change its permissions. Fails with not_found
/// "no-data-dir".
Result<DataDir> lock_existing_data_dir(const Settings& settings);

/// Like lock_existing_data_dir; also fails with conflict "other-kind" if the folder is not of `kind`.
Result<DataDir> open_existing_data_dir(const Settings& settings, std::string_view kind);
/// Creates the folder if it is missing, for a process that uses only PARQUET_DIR in it. Files that this
/// process creates get the permissions of the folder.
Result<void> make_data_dir(const Settings& settings);
/// Gives files that this process creates from now on the permissions of DATA_DIR.
void close_like_data_dir(const Settings& settings);
/// Returns the folder's kind, or "" if it does not exist or was never used.
Result<std::string> kind_of_data_dir(const Settings& settings);
Result<void> change_kind(const DataDir& data_dir, std::string_view kind);

}  // namespace deltadrop::app
