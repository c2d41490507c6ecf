#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>

#include "core/table_ref.hpp"
#include "io/lock_file.hpp"

namespace deltadrop::lake {

/// An exclusive lock for writing one table's folder, among all processes that share PARQUET_DIR. It lasts
/// until the object is destroyed or the process ends in any way. The lock file remains:
/// PARQUET_DIR/.locks/<company>/<table>.lock. It is outside the table folders because a table may have the
/// name of a Parquet file.
class TableLock {
 public:
  /// Returns nothing if another process is writing the table.
  static Result<std::optional<TableLock>> try_take(const std::filesystem::path& root, const TableRef& table);

  using Waiting = std::function<void()>;
  /// Waits until no other process writes the table. Calls `waiting` first if it has to wait.
  static Result<TableLock> take(const std::filesystem::path& root, const TableRef& table,
                                const Waiting& waiting);

  /// Returns the number for KnownFolders::locked.
  [[nodiscard]] std::optional<std::uint64_t> number() const { return number_; }

 private:
  TableLock(io::LockFile lock, std::optional<std::uint64_t> number)
      : lock_(std::move(lock)), number_(number) {}
  static Result<TableLock> counted(io::LockFile lock);

  io::LockFile lock_;
  std::optional<std::uint64_t> number_;
};

}  // namespace deltadrop::lake
