#include "app/data_dir.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <optional>
#include <utility>

#include "io/file.hpp"
#include "io/permissions.hpp"

namespace deltadrop::app {
namespace {

constexpr auto kKindFile = "kind";

Result<void> write_kind(const std::filesystem::path& folder, std::string_view kind) {
  return io::write_file_durably(folder / kKindFile, fmt::format("{}\n", kind));
}

/// Returns the kind, or "" if it was never written.
Result<std::string> read_kind(const std::filesystem::path& folder) {
  const auto written = io::read_whole_file(folder / kKindFile);
  if (!written.has_value() && written.error().code == ErrorCode::not_found) return std::string();
  DD_TRY(auto text, written);
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

Result<void> check_kind(const std::filesystem::path& folder, std::string_view kind) {
  DD_TRY(const auto text, read_kind(folder));
  if (text.empty()) return write_kind(folder, kind);
  if (text == kind) return success();
  return Error{ErrorCode::conflict, "other-kind",
               fmt::format("{} is of kind \"{}\", not \"{}\"", folder.string(), text, kind),
               text == kEmbeddedKind
                   ? "run `deltadrop dev` on it, or turn it into one for servers with `deltadrop migrate`"
                   : "run `deltadrop serve` on it, or choose another DATA_DIR"};
}

// ---- permissions

Result<std::optional<gid_t>> data_group(const Settings& settings) {
  const auto& given = settings.data_dir.group;
  if (given.empty()) return std::optional<gid_t>();
  const auto group = io::find_group(given);
  if (group.has_value()) return std::optional(group.value());
  auto error = group.error();
  const auto& from = settings.setting_of(given).origin;
  error.message = fmt::format("DATA_GROUP (from {}): {}", to_string(from), error.message);
  return error;
}

io::Group readers_of(const std::optional<gid_t>& group) { return group ? io::Group::reads : io::Group::none; }

/// Returns `mode` with read access for the group. A folder also passes its group on to new files
/// (set-group-ID).
mode_t shared_mode(mode_t mode, bool folder) {
  const mode_t users = mode & S_IRWXU;
  return folder ? users | S_IRGRP | S_IXGRP | S_ISGID : users | ((users & S_IRUSR) >> 3);
}

/// Returns the path in the form used for comparisons.
std::filesystem::path plain(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::absolute(path, ignored).lexically_normal();
}

/// Gives the group access to existing files, which a program without DATA_GROUP created for its own user
/// only.
Result<void> share_contents(const Settings& settings, const std::filesystem::path& folder, gid_t group) {
  namespace fs = std::filesystem;
  const fs::path parquet = plain(settings.lake.folder);
  const fs::path keys = plain(settings.access.keys_file);
  const fs::path keys_lock = keys.string() + ".lock";
  std::error_code error;
  fs::recursive_directory_iterator entry(plain(folder), fs::directory_options::skip_permission_denied, error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    const auto& path = entry->path();
    std::error_code ignored;
    if (path == parquet) entry.disable_recursion_pending();
    if (path == parquet || path == keys || path == keys_lock || entry->is_symlink(ignored)) continue;
    const auto now = io::ownership_of(path);
    if (!now.has_value() && now.error().code == ErrorCode::not_found) continue;
    DD_TRY(const auto there, now);
    // Skip files of other users, such as lost+found if DATA_DIR is the root of a file system.
    if (there.user != ::geteuid() && ::geteuid() != 0) continue;
    DD_TRY(io::set_ownership(path, shared_mode(there.mode, entry->is_directory(ignored)), group));
  }
  if (error) return io::system_error("list", folder, error.value());
  return success();
}

/// Changes the folder last, so that an interrupted change is repeated at the next start.
Result<void> share_with(const Settings& settings, const std::filesystem::path& folder, gid_t group) {
  DD_TRY(const auto now, io::ownership_of(folder));
  const auto wanted = shared_mode(now.mode, true);
  if (now.mode == wanted && now.group == group) return success();
  const auto share = [&]() -> Result<void> {
    DD_TRY(share_contents(settings, folder, group));
    return io::set_ownership(folder, wanted, group);
  };
  auto shared = share();
  if (shared.has_value()) return success();
  auto error = shared.error();
  error.fix = fmt::format(
      "run the server as a user that owns all of DATA_DIR and is in group {}, or leave DATA_GROUP out",
      settings.data_dir.group);
  return error;
}

/// Closes the folder itself, which protects its files whatever their modes: older versions of Deltadrop
/// created files that all users may read.
Result<void> close_folder(const std::filesystem::path& folder) {
  DD_TRY(const auto now, io::ownership_of(folder));
  const mode_t wanted = now.mode & S_IRWXU;
  if (now.mode == wanted) return success();
  const auto closed = io::set_ownership(folder, wanted, std::nullopt);
  if (closed.has_value()) {
    spdlog::info(
        "DATA_DIR {} had mode {:04o} and has {:04o} now: only this user may read it; set DATA_GROUP for a "
        "group",
        folder.string(), now.mode, wanted);
  } else {
    spdlog::warn("DATA_DIR {} has mode {:04o}, so others may read in it, and it cannot be closed: {}",
                 folder.string(), now.mode, closed.error().message);
  }
  return success();
}

/// Creates the folder. Its parents get the umask's permissions, because they hold no data.
Result<void> make_folder(const std::filesystem::path& path) {
  DD_TRY(io::make_folders_durably(path.parent_path(), io::Readers::by_umask));
  return io::make_folders_durably(path);
}

}  // namespace

Result<DataDir> open_data_dir(const Settings& settings, std::string_view kind) {
  const std::filesystem::path path = settings.data_dir.path;
  DD_TRY(const auto group, data_group(settings));
  io::close_to_others(readers_of(group));
  DD_TRY(make_folder(path));
  DD_TRY(auto lock, io::LockFile::take(path / "lock"));
  DD_TRY(check_kind(path, kind));
  DD_TRY(group ? share_with(settings, path, *group) : close_folder(path));
  return DataDir{path, std::move(lock)};
}

Result<void> make_data_dir(const Settings& settings) {
  const std::filesystem::path path = settings.data_dir.path;
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    close_like_data_dir(settings);
    return success();
  }
  DD_TRY(const auto group, data_group(settings));
  io::close_to_others(readers_of(group));
  DD_TRY(make_folder(path));
  if (!group) return success();
  return share_with(settings, path, *group);
}

void close_like_data_dir(const Settings& settings) {
  const auto folder = io::ownership_of(settings.data_dir.path);
  const mode_t shared = S_ISGID | S_IRGRP;
  const bool is_shared = folder.has_value() && (folder.value().mode & shared) == shared;
  io::close_to_others(is_shared ? io::Group::reads : io::Group::none);
}

Result<DataDir> lock_existing_data_dir(const Settings& settings) {
  const std::filesystem::path path = settings.data_dir.path;
  std::error_code ignored;
  if (!std::filesystem::is_directory(path, ignored)) {
    return Error{ErrorCode::not_found, "no-data-dir", fmt::format("DATA_DIR {} is not there", path.string()),
                 "give the folder of the server with --data-dir"};
  }
  close_like_data_dir(settings);
  DD_TRY(auto lock, io::LockFile::take(path / "lock"));
  return DataDir{path, std::move(lock)};
}

Result<DataDir> open_existing_data_dir(const Settings& settings, std::string_view kind) {
  DD_TRY(auto data_dir, lock_existing_data_dir(settings));
  DD_TRY(check_kind(data_dir.path, kind));
  return data_dir;
}

Result<std::string> kind_of_data_dir(const Settings& settings) { return read_kind(settings.data_dir.path); }

Result<void> change_kind(const DataDir& data_dir, std::string_view kind) {
  return write_kind(data_dir.path, kind);
}

}  // namespace deltadrop::app
