#pragma once

#include "ingest/archive.hpp"
#include "ingest/catalog.hpp"
#include "io/clock.hpp"

/// The id of an archive. The catalog, archive/archive-id and the manifest of each version contain it, except
/// manifests older than the id. Any one of the three is enough to restore it.
namespace deltadrop::ingest {

/// Returns the archive's id, and creates and stores one at the first start. Fails with conflict, type
/// "mixed-archives", if the catalog and the files belong to different archives.
Result<ArchiveId> ensure_archive_id(const Layout& layout, Catalog& catalog, io::Clock& clock);

/// Reads archive/archive-id. Returns nothing if the file does not exist.
Result<std::optional<ArchiveId>> read_archive_id(const Layout& layout);
Result<void> write_archive_id(const Layout& layout, const ArchiveId& id);

}  // namespace deltadrop::ingest
