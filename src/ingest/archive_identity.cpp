#include "ingest/archive_identity.hpp"

#include <fmt/format.h>

#include <string>

#include "io/file.hpp"

namespace deltadrop::ingest {

Result<std::optional<ArchiveId>> read_archive_id(const Layout& layout) {
  const auto path = layout.archive_id_file();
  const auto text = io::read_whole_file(path);
  if (text.has_error()) {
    if (text.error().code == ErrorCode::not_found) return std::optional<ArchiveId>();
    return text.error();
  }
  std::string_view id = text.value();
  if (id.ends_with('\n')) id.remove_suffix(1);
  const auto parsed = ArchiveId::parse(id);
  if (parsed.has_value()) return std::optional(parsed.value());
  return Error{
      ErrorCode::corrupt, "damaged-archive-id",
      fmt::format("{} is damaged: it does not hold an archive's id", path.string()),
      "restore it from a backup; or delete it: the id is also in catalog.db and in the manifests, and "
      "`deltadrop rebuild catalog` finds it there"};
}

Result<void> write_archive_id(const Layout& layout, const ArchiveId& id) {
  return io::write_file_durably(layout.archive_id_file(), id.to_string() + "\n");
}

Result<ArchiveId> ensure_archive_id(const Layout& layout, Catalog& catalog, io::Clock& clock) {
  DD_TRY(const auto of_files, read_archive_id(layout));
  DD_TRY(const auto of_catalog, catalog.archive_id());
  if (of_files && of_catalog && *of_files != *of_catalog) {
    return Error{
        ErrorCode::conflict, "mixed-archives",
        fmt::format("{} is the catalog of archive {}, and {} holds archive {}", layout.catalog().string(),
                    of_catalog->to_string(), layout.archive().string(), of_files->to_string()),
        "restore the catalog that belongs to this archive, or run `deltadrop rebuild catalog`, which "
        "makes it again from the archive"};
  }
  if (of_files && of_catalog) return *of_files;
  ArchiveId id;
  if (of_files || of_catalog) {
    id = of_files ? *of_files : *of_catalog;
  } else {
    // The id is a UUIDv7, like an upload's, so it shows when the archive was first started.
    id = ArchiveId{static_cast<const Uuid&>(io::new_upload_id(clock.now()))};
  }
  if (!of_files) {
    DD_TRY(write_archive_id(layout, id));
  }
  if (!of_catalog) {
    DD_TRY(catalog.store_archive_id(id));
  }
  return id;
}

}  // namespace deltadrop::ingest
