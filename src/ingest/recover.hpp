#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ingest/archive.hpp"
#include "ingest/catalog.hpp"
#include "ingest/stored_files.hpp"

namespace deltadrop::ingest {

/// The files of one table's folder in the archive, by name, sorted.
struct ArchivedTable {
  TableRef table;
  std::vector<std::string> files;      ///< "<time>_<file id>.csv"
  std::vector<std::string> originals;  ///< "<time>_<file id>.xlsx"
  std::vector<std::string> manifests;  ///< "<time>_<file id>.json"
  std::vector<std::string> others;     ///< of any other name
};
/// Lists the tables of the archive, sorted by table. Skips folders whose names cannot be a table's.
Result<std::vector<ArchivedTable>> scan_archive(const Layout& layout);

/// The problems that recovery found and did not repair itself.
struct LeftToDo {
  std::vector<UploadRecord> without_manifest;
  std::vector<TableRef> not_current;
  std::optional<UploadRecord> newest;  ///< the version with the latest timestamp
};
/// Makes the folders consistent with the catalog after a crash. Removes only files that are certainly not
/// needed: the spool, temporary files of known versions, and held files that were released or discarded or
/// have expired. Moves other unknown files to lost+found. Notes versions and held uploads whose files are
/// missing or have another size as damaged. Fails with conflict, type "catalog-behind", if a manifest has no
/// row; then it has changed nothing.
Result<LeftToDo> recover(StoredFiles& files, Catalog& catalog);

/// Rewrites the files of small uploads from the bytes in the catalog, and syncs them. Returns the uploads
/// that it wrote; it skips those whose bytes in the catalog are damaged.
Result<std::vector<UploadId>> restore_files(const Layout& layout, Catalog& catalog,
                                            const std::vector<UploadId>& uploads);

/// Fails with conflict, type "catalog-behind", if there is no catalog but the archive contains files.
Result<void> refuse_lost_catalog(const Layout& layout);

/// Fails with not_found, type "no-catalog", if there is no catalog.
Result<void> refuse_no_catalog(const Layout& layout);

}  // namespace deltadrop::ingest
