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
/// By table. Folders whose names cannot be a table's are passed over.
Result<std::vector<ArchivedTable>> scan_archive(const Layout& layout);

/// What recovery found and did not mend itself.
struct LeftToDo {
  std::vector<UploadRecord> without_manifest;
  std::vector<TableRef> not_current;
  std::optional<UploadRecord> newest;  ///< the version with the latest timestamp
};
/// Brings the folders in line with the catalog after any crash. Removes only what is certainly done with: the
/// spool, temporary files of known versions, held files that were released or discarded. What nothing
/// accounts for goes to lost+found. Versions and held uploads whose files are missing or have another size
/// are noted as damaged. Fails with conflict "catalog-behind" when a manifest has no row, before it has
/// changed anything.
Result<LeftToDo> recover(StoredFiles& files, Catalog& catalog);

/// Writes the files of small uploads anew from the bytes that the catalog keeps of them, and syncs them.
/// Returns those that it wrote: not those whose bytes in the catalog are damaged.
Result<std::vector<UploadId>> restore_files(const Layout& layout, Catalog& catalog,
                                            const std::vector<UploadId>& uploads);

/// Fails with conflict "catalog-behind" when there is no catalog and the archive holds files.
Result<void> refuse_lost_catalog(const Layout& layout);

/// Fails with not_found "no-catalog" when there is none.
Result<void> refuse_no_catalog(const Layout& layout);

}  // namespace deltadrop::ingest
