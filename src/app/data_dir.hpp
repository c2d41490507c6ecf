#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "app/settings.hpp"
#include "core/result.hpp"
#include "io/lock_file.hpp"

namespace deltadrop::app {

/// A DATA_DIR that this process has for itself.
struct DataDir {
  std::filesystem::path path;
  io::LockFile lock;
};

/// Which parts a DATA_DIR is used with; it remembers, since a log cannot be moved by opening another one.
inline constexpr std::string_view kEmbeddedKind = "embedded";
inline constexpr std::string_view kKafkaKind = "kafka";

/// Makes the folder when missing, locks it, checks that it is of `kind`, which is written on first use, and
/// closes it and all that this process makes to other users: but to DATA_GROUP, where that is set.
Result<DataDir> open_data_dir(const Settings& settings, std::string_view kind);

/// The same for a command that repairs: the folder must be there, of any kind, and stays as closed as it is.
Result<DataDir> lock_existing_data_dir(const Settings& settings);

/// The same, and of this kind.
Result<DataDir> open_existing_data_dir(const Settings& settings, std::string_view kind);
/// For a process that only has its PARQUET_DIR in it: makes the folder when missing. What this process makes
/// is as closed as the folder is.
Result<void> make_data_dir(const Settings& settings);
/// What this process makes from now on is as closed as DATA_DIR is.
void close_like_data_dir(const Settings& settings);
/// What it is used with; "" where there is no such folder, or it was not used yet.
Result<std::string> kind_of_data_dir(const Settings& settings);
Result<void> change_kind(const DataDir& data_dir, std::string_view kind);

}  // namespace deltadrop::app
