#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/event.hpp"
#include "history/upload_status.hpp"

namespace deltadrop::history {

/// What is known of whose a table is.
struct Ownership {
  std::optional<ArchiveId> owner;        ///< none: its events name no archive, or there are none
  std::optional<UploadId> first_upload;  ///< the earliest that is not in conflict
};

struct KnownArchive {
  std::optional<ArchiveId> archive;  ///< none: of tables whose events name no archive
  std::int64_t tables = 0;
  std::vector<TableRef> examples;  ///< the first of them, by name
};

/// A choice between the chains of a table that forked.
struct Resolution {
  std::vector<UploadStatus> kept;        ///< the chain, first version first
  std::vector<UploadStatus> set_aside;   ///< all others that were not set aside before
  std::vector<UploadStatus> revived;     ///< of `kept`: were in conflict, and are to be applied
  bool undoes = false;                   ///< some of `set_aside` are applied
  std::optional<Timestamp> stays_until;  ///< effective_at of the last of `kept` that is applied
  std::optional<ArchiveId> owner;        ///< of the table, from now on
};

/// Which archive owns a table, and which of its chains of uploads counts after a fork. Thread-safe. Errors as
/// HistoryWriter's.
class TableChains {
 public:
  virtual ~TableChains() = default;

  virtual Result<Ownership> ownership(const TableRef& table) = 0;
  /// Of all tables with an upload that is not in conflict.
  virtual Result<std::vector<KnownArchive>> archives() = 0;
  /// All uploads of the table, whatever their state, by version.
  virtual Result<std::vector<UploadStatus>> uploads_of(const TableRef& table) = 0;
  /// Keeps the chain that ends with `keep` (none: no upload) and sets all other uploads of the table aside,
  /// in one transaction: see plan_resolution. Events are never touched. Rows that uploads set aside had
  /// opened are removed, those that they had closed are open again; uploads that are kept and were in
  /// conflict are applied next. Where rows were undone, the table's uploads count as not in the lake. Errors
  /// as plan_resolution's, and conflict "table-busy" where an upload of it arrived meanwhile: call again.
  virtual Result<Resolution> resolve(const TableRef& table, const std::optional<UploadId>& keep,
                                     Timestamp now) = 0;
};

}  // namespace deltadrop::history
