#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <set>
#include <utility>

#include "ingest/archive.hpp"
#include "ingest/archive_identity.hpp"
#include "ingest/catalog.hpp"
#include "ingest/manifest.hpp"
#include "ingest/recover.hpp"
#include "ingest/stored_files.hpp"
#include "io/file.hpp"

namespace deltadrop::ingest {
namespace {

using Uploads = std::vector<UploadRecord>;

/// The contents of the old catalog that no manifest has.
struct OldCatalog {
  std::optional<ArchiveId> archive_id;
  std::map<TableRef, Uploads> versions;
  Uploads held;
  std::optional<io::ClockMark> clock;  ///< the clock mark for the ages of `held`
};

/// Returns all rows that match the filter, read in pages.
Result<Uploads> all_of(Catalog& catalog, UploadFilter filter) {
  constexpr std::int64_t kPage = 1000;
  filter.limit = kPage;
  Uploads uploads;
  while (true) {
    DD_TRY(auto page, catalog.list(filter));
    if (page.empty()) return uploads;
    filter.before = page.back().upload_id;
    std::move(page.begin(), page.end(), std::back_inserter(uploads));
  }
}

Result<OldCatalog> read_old_catalog(const Layout& layout) {
  OldCatalog old;
  DD_TRY(const auto catalog, Catalog::open(layout.catalog()));
  DD_TRY(old.archive_id, catalog->archive_id());
  // After a crash the archive may lack files whose bytes the old catalog has.
  DD_TRY(const auto unsynced, catalog->with_bytes());
  DD_TRY(restore_files(layout, *catalog, unsynced));
  DD_TRY(old.clock, catalog->clock_mark());
  DD_TRY(auto uploads, all_of(*catalog, {}));
  for (auto& upload : uploads) {
    if (upload.version) {
      const TableRef table = upload.table;
      old.versions[table].push_back(std::move(upload));
    } else if (upload.state == UploadState::held) {
      old.held.push_back(std::move(upload));
    }
  }
  return old;
}

/// Reads the old catalog. Returns nothing if the file does not exist, or if it cannot be read, which is what
/// a rebuild is for; the report contains the error.
OldCatalog old_catalog(const Layout& layout, RebuildReport& report) {
  std::error_code ignored;
  if (!fs::exists(layout.catalog(), ignored)) return {};
  auto old = read_old_catalog(layout);
  if (old.has_value()) return std::move(old).value();
  report.old_catalog = old.error();
  return {};
}

Error broken_chain(const fs::path& manifest, std::string_view reason) {
  return {ErrorCode::corrupt, "broken-chain",
          fmt::format("{} does not fit its table: {}", manifest.string(), reason),
          "restore the table's folder in the archive from a backup; if it is right and catalog.db is another "
          "archive's, move catalog.db away and rebuild again"};
}

/// Returns why `upload` cannot be the version that follows `last`; empty if it can.
std::string misfit(const UploadRecord& upload, const UploadRecord* last) {
  const std::int64_t expected = last == nullptr ? 1 : last->version->value + 1;
  if (!upload.version || upload.version->value != expected) {
    return fmt::format("version {} is missing", expected);
  }
  if (!upload.times.timestamp || !upload.times.effective_at) return "its times are missing";
  if (last == nullptr) return upload.previous_upload_id ? "a first version names a previous upload" : "";
  const auto previous =
      last->outcome.counts.changes() > 0 ? std::optional(last->upload_id) : last->previous_upload_id;
  if (upload.previous_upload_id != previous) return "it names another previous upload";
  if (*upload.times.timestamp <= *last->times.timestamp)
    return "its timestamp is not after the version before";
  if (*upload.times.effective_at <= *last->times.effective_at)
    return "its effective_at is not after the version before";
  return "";
}

const UploadRecord* find_by_manifest(const Layout& layout, const Uploads& known, const fs::path& manifest) {
  const auto found = std::find_if(known.begin(), known.end(), [&](const UploadRecord& upload) {
    return layout.manifest_file(upload) == manifest;
  });
  return found == known.end() ? nullptr : &*found;
}

/// Reads the manifests of a table, in no order. Skips damaged ones that the old catalog can restore.
Result<Uploads> read_manifests(const Layout& layout, const ArchivedTable& archived, const Uploads& known) {
  Uploads uploads;
  for (const auto& name : archived.manifests) {
    const fs::path path = layout.archive_folder(archived.table) / name;
    DD_TRY(const auto text, io::read_whole_file(path));
    auto upload = read_manifest(text, path);
    if (!upload.has_value()) {
      if (find_by_manifest(layout, known, path) != nullptr) continue;
      return upload.error();
    }
    if (upload.value().table != archived.table || layout.manifest_file(upload.value()) != path) {
      return broken_chain(path,
                          fmt::format("it is the manifest of {} of {}", upload.value().file.archive_name,
                                      upload.value().table.to_string()));
    }
    uploads.push_back(std::move(upload).value());
  }
  return uploads;
}

Error damaged_table(Error error, const TableRef& table) {
  error.fix += fmt::format(
      ", then run this again; to rebuild the catalog without this table, move archive/{} out of DATA_DIR "
      "first",
      table.to_string());
  return error;
}

/// Writes the manifest of a version that only the old catalog knows. Moves a damaged one to lost+found.
Result<void> describe(const Layout& layout, const UploadRecord& upload, RebuildReport& report) {
  std::error_code ignored;
  if (fs::exists(layout.manifest_file(upload), ignored)) {
    DD_TRY(auto aside, move_to_lost_and_found(layout, layout.manifest_file(upload)));
    report.unclaimed.push_back(std::move(aside));
  }
  DD_TRY(write_manifest(layout, upload));
  ++report.manifests_written;
  return success();
}

/// Returns a table's versions in order, checked against each other and against the files. Once all are
/// checked, writes the missing manifests of versions that only the old catalog knows.
Result<Uploads> read_table(const Layout& layout, const ArchivedTable& archived, const Uploads& known,
                           RebuildReport& report) {
  DD_TRY(auto uploads, read_manifests(layout, archived, known));
  std::set<UploadId> described;
  for (const auto& upload : uploads) described.insert(upload.upload_id);
  std::set<UploadId> undescribed;
  for (const auto& upload : known) {
    if (described.contains(upload.upload_id)) continue;
    undescribed.insert(upload.upload_id);
    uploads.push_back(upload);
  }
  std::sort(uploads.begin(), uploads.end(),
            [](const UploadRecord& a, const UploadRecord& b) { return a.version < b.version; });
  for (std::size_t i = 0; i < uploads.size(); ++i) {
    const std::string reason = misfit(uploads[i], i == 0 ? nullptr : &uploads[i - 1]);
    if (!reason.empty()) return broken_chain(layout.manifest_file(uploads[i]), reason);
    const auto checked = check_stored_bytes(layout, uploads[i]);
    if (!checked.has_value()) return damaged_table(checked.error(), archived.table);
    uploads[i].state = UploadState::accepted;
    uploads[i].times.published_at.reset();
  }
  for (const auto& upload : uploads) {
    if (!undescribed.contains(upload.upload_id)) continue;
    DD_TRY(describe(layout, upload, report));
  }
  return uploads;
}

fs::path with_suffix(fs::path path, std::string_view suffix) {
  path += suffix;
  return path;
}

constexpr std::array<std::string_view, 3> kDatabaseSuffixes = {"", "-wal", "-shm"};

/// Returns the id in archive/archive-id, else that of the version accepted last, else that of the old
/// catalog. Returns nothing if an older Deltadrop wrote all of them; the next start creates an id.
Result<std::optional<ArchiveId>> find_archive_id(const Layout& layout, const std::vector<Uploads>& tables,
                                                 const OldCatalog& old) {
  DD_TRY(const auto of_files, read_archive_id(layout));
  if (of_files) return of_files;
  const UploadRecord* last = nullptr;
  for (const auto& uploads : tables) {
    for (const auto& upload : uploads) {
      if (upload.archive_id && (last == nullptr || *last->times.timestamp < *upload.times.timestamp))
        last = &upload;
    }
  }
  return last != nullptr ? last->archive_id : old.archive_id;
}

Result<void> write_catalog(const fs::path& path, const std::optional<ArchiveId>& archive_id,
                           const std::vector<Uploads>& tables, const Uploads& held,
                           const std::optional<io::ClockMark>& clock) {
  for (const auto suffix : kDatabaseSuffixes) {
    DD_TRY(io::remove_file(with_suffix(path, suffix)));
  }
  // Closing the catalog moves everything from the -wal file into the database and syncs it.
  DD_TRY(const auto catalog, Catalog::open(path));
  if (archive_id) {
    DD_TRY(catalog->store_archive_id(*archive_id));
  }
  for (const auto& uploads : tables) {
    for (const auto& upload : uploads) {
      DD_TRY(catalog->add_version(upload));
    }
    if (clock) {
      DD_TRY(catalog->keep_clock_mark(*clock));
    }
  }
  for (const auto& upload : held) {
    DD_TRY(catalog->add_held(upload));
  }
  return success();
}

fs::path old_catalog_aside(const Layout& layout, std::string_view suffix) {
  return with_suffix(layout.catalog(), fmt::format(".before-rebuild{}", suffix));
}

bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

/// Restores the old catalog if a rebuild was interrupted while it replaced it. Only the old catalog knows the
/// held uploads.
Result<void> put_old_catalog_back(const Layout& layout, const fs::path& made) {
  if (is_there(layout.catalog()) || !is_there(made)) return success();
  // Rename the database last: this is repeated while it is missing.
  for (auto suffix = kDatabaseSuffixes.rbegin(); suffix != kDatabaseSuffixes.rend(); ++suffix) {
    const fs::path aside = old_catalog_aside(layout, *suffix);
    const fs::path place = with_suffix(layout.catalog(), *suffix);
    if (!is_there(aside) || is_there(place)) continue;
    DD_TRY(io::rename_file(aside, place));
  }
  return success();
}

/// Replaces the old catalog by the new one, and renames the old one. An old catalog of an earlier rebuild
/// goes to lost+found: it may be the only one that knows an upload.
Result<void> replace_catalog(const Layout& layout, const fs::path& made) {
  // SQLite would read a -wal file of an earlier rebuild as part of this database.
  for (const auto suffix : kDatabaseSuffixes) {
    if (!is_there(old_catalog_aside(layout, suffix))) continue;
    DD_TRY(move_to_lost_and_found(layout, old_catalog_aside(layout, suffix)));
  }
  for (const auto suffix : kDatabaseSuffixes) {
    const fs::path old = with_suffix(layout.catalog(), suffix);
    if (!is_there(old)) continue;
    DD_TRY(io::rename_file(old, old_catalog_aside(layout, suffix)));
  }
  DD_TRY(pass_step("rebuild.old_aside", layout.catalog()));
  DD_TRY(io::rename_file(made, layout.catalog()));
  return io::sync_folder(layout.root);
}

/// Returns the files that the new catalog knows, and the held names that acceptance left, which recovery
/// removes.
std::set<fs::path> claimed_files(const Layout& layout, const std::vector<Uploads>& tables,
                                 const Uploads& held) {
  std::set<fs::path> claimed;
  for (const auto& uploads : tables) {
    for (const auto& upload : uploads) {
      claimed.insert(layout.archived_file(upload));
      claimed.insert(layout.held_file(upload.upload_id));
      if (!upload.file.source) continue;
      claimed.insert(layout.archived_original(upload));
      claimed.insert(layout.held_original(upload.upload_id));
    }
  }
  for (const auto& upload : held) {
    claimed.insert(layout.held_file(upload.upload_id));
    if (upload.file.source) claimed.insert(layout.held_original(upload.upload_id));
  }
  return claimed;
}

/// Moves files without a row to lost+found. Their row may have been lost with the old catalog.
Result<void> set_unclaimed_aside(const Layout& layout, const std::vector<ArchivedTable>& archive,
                                 const std::set<fs::path>& claimed, RebuildReport& report) {
  std::vector<fs::path> stored;
  for (const auto& archived : archive) {
    for (const auto* names : {&archived.files, &archived.originals}) {
      for (const auto& name : *names) stored.push_back(layout.archive_folder(archived.table) / name);
    }
  }
  const auto first_held = std::ssize(stored);
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(layout.held(), ignored)) stored.push_back(entry.path());
  std::sort(stored.begin() + first_held, stored.end());
  for (const auto& path : stored) {
    if (claimed.contains(path)) continue;
    DD_TRY(auto aside, move_to_lost_and_found(layout, path));
    report.unclaimed.push_back(std::move(aside));
  }
  return success();
}

/// Adds tables that the old catalog knows but whose folder is missing, so that they are noticed.
void add_lost_tables(std::vector<ArchivedTable>& archive, const OldCatalog& old) {
  std::set<TableRef> found;
  for (const auto& archived : archive) found.insert(archived.table);
  for (const auto& [table, uploads] : old.versions) {
    if (!found.contains(table)) archive.push_back({table, {}, {}, {}, {}});
  }
}

/// Returns the held uploads that were not accepted since; a restored old catalog may still list accepted
/// ones.
Uploads still_held(OldCatalog old, const std::vector<Uploads>& tables) {
  std::set<UploadId> accepted;
  for (const auto& uploads : tables) {
    for (const auto& upload : uploads) accepted.insert(upload.upload_id);
  }
  std::erase_if(old.held, [&](const UploadRecord& upload) { return accepted.contains(upload.upload_id); });
  return std::move(old.held);
}

Result<void> check_spellings(const std::vector<ArchivedTable>& archive) {
  std::set<TableRef> folded;
  for (const auto& archived : archive) {
    if (archived.manifests.empty() || folded.insert(archived.table.folded()).second) continue;
    return Error{ErrorCode::corrupt, "broken-chain",
                 fmt::format("the archive holds {} in two spellings", archived.table.to_string()),
                 "restore the archive from a backup"};
  }
  return success();
}

}  // namespace

Result<RebuildReport> rebuild_catalog(const Options& options, io::Clock& /*clock*/) {
  const Layout layout{options.data_dir};
  DD_TRY(prepare_folders(layout));
  const fs::path made = with_suffix(layout.catalog(), ".rebuild");
  DD_TRY(put_old_catalog_back(layout, made));
  RebuildReport report;
  OldCatalog old = old_catalog(layout, report);
  DD_TRY(auto archive, scan_archive(layout));
  DD_TRY(check_spellings(archive));
  add_lost_tables(archive, old);
  std::vector<Uploads> tables;
  for (const auto& archived : archive) {
    DD_TRY(auto uploads, read_table(layout, archived, old.versions[archived.table], report));
    if (uploads.empty()) continue;
    ++report.tables;
    report.uploads += std::ssize(uploads);
    tables.push_back(std::move(uploads));
  }
  const auto last_clock = old.clock;
  DD_TRY(const auto archive_id, find_archive_id(layout, tables, old));
  const Uploads held = still_held(std::move(old), tables);
  report.held = std::ssize(held);
  DD_TRY(write_catalog(made, archive_id, tables, held, last_clock));
  DD_TRY(set_unclaimed_aside(layout, archive, claimed_files(layout, tables, held), report));
  DD_TRY(replace_catalog(layout, made));
  return report;
}

}  // namespace deltadrop::ingest
