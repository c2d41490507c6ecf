#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>

#include "core/table_ref.hpp"
#include "io/lock_file.hpp"

namespace deltadrop::lake {

/// The right to write one table's folder, for one process of all that share PARQUET_DIR. Held until destroyed
/// or until the process ends, however it ends. The file that is locked stays:
/// PARQUET_DIR/.locks/<company>/<table>.lock: a table may be called like a Parquet file.
class TableLock {
 public:
  /// Nothing where another process writes the table now.
  static Result<std::optional<TableLock>> try_take(const std::filesystem::path& root, const TableRef& table);

  using Waiting = std::function<void()>;
  /// Waits until nobody else writes the table; calls `waiting` first where somebody does.
  static Result<TableLock> take(const std::filesystem::path& root, const TableRef& table,
                                const Waiting& waiting);

  /// For KnownFolders::locked.
  [[nodiscard]] std::optional<std::uint64_t> number() const { return number_; }

 private:
  TableLock(io::LockFile lock, std::optional<std::uint64_t> number)
      : lock_(std::move(lock)), number_(number) {}
  static Result<TableLock> counted(io::LockFile lock);

  io::LockFile lock_;
  std::optional<std::uint64_t> number_;
};

}  // namespace deltadrop::lake
