#include "lake/table_lock.hpp"

#include <utility>

namespace deltadrop::lake {
namespace {

/// No company name begins with a dot. Two tables whose names differ only in case cannot exist.
constexpr auto kLocksFolder = ".locks";

Result<std::filesystem::path> lock_path(const std::filesystem::path& root, const TableRef& table) {
  const auto folder = root / kLocksFolder / table.company_id;
  DD_TRY(io::make_folders(folder, io::Readers::by_umask));
  return folder / (table.table_name + ".lock");
}

}  // namespace

Result<std::optional<TableLock>> TableLock::try_take(const std::filesystem::path& root,
                                                     const TableRef& table) {
  DD_TRY(const auto path, lock_path(root, table));
  DD_TRY(auto lock, io::LockFile::try_take(path));
  if (!lock) return std::optional<TableLock>();
  DD_TRY(auto taken, counted(std::move(*lock)));
  return std::optional(std::move(taken));
}

Result<TableLock> TableLock::counted(io::LockFile lock) {
  DD_TRY(const auto number, lock.count());
  return TableLock(std::move(lock), number);
}

Result<TableLock> TableLock::take(const std::filesystem::path& root, const TableRef& table,
                                  const Waiting& waiting) {
  DD_TRY(auto free, try_take(root, table));
  if (free) return std::move(*free);
  DD_TRY(const auto path, lock_path(root, table));
  waiting();
  DD_TRY(auto lock, io::LockFile::wait_for(path));
  return counted(std::move(lock));
}

}  // namespace deltadrop::lake
