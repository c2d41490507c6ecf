#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>

#include "core/event.hpp"
#include "core/observer.hpp"
#include "csv/options.hpp"

namespace deltadrop::ingest {

/// Returns true if the archive has that upload, held or accepted.
using HasUpload = std::function<Result<bool>(const UploadId& upload)>;
/// Checks that the archive may add a version to the table. Fails with conflict, type
/// "table-owned-by-another-archive", if another archive owns the table. It is called under the table's lock
/// before anything is compared. It must return within about a second, and must succeed if it cannot find out.
using OwnerCheck =
    std::function<Result<void>(const TableRef& table, const ArchiveId& archive, const HasUpload& has_upload)>;

struct Options {
  std::filesystem::path
      data_dir;  ///< DATA_DIR: spool, held, archive, current, index and catalog.db are in it
  csv::Limits limits;
  std::uint64_t upload_bytes_max = std::uint64_t{1} << 40;  ///< of the expanded bytes
  double expansion_ratio_max = 200;  ///< expanded over received bytes, past the first MiB
  double hold_delete_fraction = 0.5;
  std::int64_t hold_min_rows = 20;
  std::chrono::milliseconds held_ttl{std::chrono::hours{30 * 24}};
  std::chrono::milliseconds dry_run_ttl{std::chrono::hours{24}};
  std::chrono::milliseconds idempotency_ttl{std::chrono::hours{24}};  ///< how long an answer is stored
  std::chrono::milliseconds publish_timeout{10'000};
  std::chrono::milliseconds compare_timeout{std::chrono::minutes{10}};  ///< for one comparison
  /// The maximum clock error; a larger one stops uploads.
  std::chrono::milliseconds clock_jump_max{std::chrono::hours{24}};
  /// The free bytes that uploads leave on DATA_DIR's file system.
  std::uint64_t disk_reserve = std::uint64_t{64} << 20;
  Observer* observer = nullptr;  ///< outlives the engine
  OwnerCheck owner_check = {};   ///< empty: allow every table
  std::size_t publishers = 16;   ///< threads; one at a time publishes a table
  /// The number of uploads that are compared and accepted at once, each of another table. Many of them wait
  /// for one sync of the catalog.
  std::size_t comparers = 64;
  std::size_t waiting_max = 1024;  ///< uploads waiting for their table or for a comparer
  /// The catalog keeps the bytes of an accepted file up to this size, and the file is synced later.
  std::size_t kept_bytes_max = std::size_t{64} << 10;
};

}  // namespace deltadrop::ingest
