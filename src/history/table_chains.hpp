#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/event.hpp"
#include "history/upload_status.hpp"

namespace deltadrop::history {

/// The owner of a table, as far as it is known.
struct Ownership {
  std::optional<ArchiveId> owner;        ///< empty if no event names an archive or there are no events
  std::optional<UploadId> first_upload;  ///< the earliest upload that is not in conflict
};

struct KnownArchive {
  std::optional<ArchiveId> archive;  ///< empty for the tables whose events name no archive
  std::int64_t tables = 0;
  std::vector<TableRef> examples;  ///< the first of the tables, by name
};

/// A choice between the chains of a table that forked.
struct Resolution {
  std::vector<UploadStatus> kept;        ///< the chain, in version order
  std::vector<UploadStatus> set_aside;   ///< all other uploads that were not set aside before
  std::vector<UploadStatus> revived;     ///< the uploads of `kept` that were in conflict and will be applied
  bool undoes = false;                   ///< some of `set_aside` are applied
  std::optional<Timestamp> stays_until;  ///< effective_at of the last applied upload of `kept`
  std::optional<ArchiveId> owner;        ///< the table's owner from now on
};

/// Knows which archive owns a table and which chain of uploads counts after a fork. Thread-safe. Errors as
/// HistoryWriter's.
class TableChains {
 public:
  virtual ~TableChains() = default;

  virtual Result<Ownership> ownership(const TableRef& table) = 0;
  /// Returns the archives of all tables with an upload that is not in conflict.
  virtual Result<std::vector<KnownArchive>> archives() = 0;
  /// Returns all uploads of the table in any state, by version.
  virtual Result<std::vector<UploadStatus>> uploads_of(const TableRef& table) = 0;
  /// Keeps the chain that ends with `keep` (or no upload if empty) and sets all other uploads of the table
  /// aside, in one transaction: see plan_resolution. Events never change. Rows that those uploads opened are
  /// deleted, and rows that they closed are open again. Kept uploads that were in conflict are applied next.
  /// If rows were undone, the table's uploads no longer count as in the lake. Errors as plan_resolution's,
  /// and conflict "table-busy" if an upload of the table arrives meanwhile: retry.
  virtual Result<Resolution> resolve(const TableRef& table, const std::optional<UploadId>& keep,
                                     Timestamp now) = 0;
};

}  // namespace deltadrop::history
