#pragma once

#include "ingest/archive.hpp"
#include "ingest/catalog.hpp"
#include "io/clock.hpp"

/// The id of an archive. It is in the catalog and in archive/archive-id, and in the manifest of each version
/// that was accepted since there are ids: one of the three is enough to find it again.
namespace deltadrop::ingest {

/// The archive's id, made and stored where there is none yet. conflict "mixed-archives" where the catalog is
/// another archive's than the files.
Result<ArchiveId> ensure_archive_id(const Layout& layout, Catalog& catalog, io::Clock& clock);

/// What archive/archive-id says; none where there is no such file.
Result<std::optional<ArchiveId>> read_archive_id(const Layout& layout);
Result<void> write_archive_id(const Layout& layout, const ArchiveId& id);

}  // namespace deltadrop::ingest
