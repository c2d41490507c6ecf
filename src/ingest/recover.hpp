#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ingest/archive.hpp"
#include "ingest/catalog.hpp"

namespace deltadrop::ingest {

/// The files of one table's folder in the archive, by name, sorted.
struct ArchivedTable {
  TableRef table;
  std::vector<std::string> files;      ///< "....csv"
  std::vector<std::string> manifests;  ///< "....json"
  std::vector<std::string> leftovers;  ///< "....tmp": of a write that was cut off
};
/// By table. Folders whose names cannot be a table's are passed over.
Result<std::vector<ArchivedTable>> scan_archive(const Layout& layout);

/// What recovery found and did not mend itself.
struct LeftToDo {
  std::vector<UploadRecord> without_manifest;
  std::vector<TableRef> not_current;
  std::optional<UploadRecord> newest;  ///< the version with the latest timestamp
};
/// Brings the folders in line with the catalog after any crash; removes only files that nobody was promised.
/// Fails with conflict "catalog-behind" when a manifest has no row, before it has changed anything.
Result<LeftToDo> recover(const Layout& layout, Catalog& catalog);

/// Writes the files of small uploads anew from the bytes that the catalog keeps of them, and syncs them.
Result<void> restore_files(const Layout& layout, Catalog& catalog, const std::vector<UploadId>& uploads);

/// Fails with conflict "catalog-behind" when there is no catalog and the archive holds files.
Result<void> refuse_lost_catalog(const Layout& layout);

/// Fails with not_found "no-catalog" when there is none.
Result<void> refuse_no_catalog(const Layout& layout);

/// corrupt "archive-damaged" unless the stored file has the size and the SHA-256 of its record.
Result<void> check_stored_bytes(const Layout& layout, const UploadRecord& upload);

}  // namespace deltadrop::ingest
