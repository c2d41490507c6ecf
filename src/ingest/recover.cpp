#include "ingest/recover.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "io/file.hpp"
#include "io/sha256.hpp"

namespace deltadrop::ingest {
namespace {

constexpr std::int64_t kPage = 1000;

/// Returns the names in a folder, sorted; none if the folder does not exist.
Result<std::vector<std::string>> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code failed;
  for (fs::directory_iterator it(folder, failed), end; !failed && it != end; it.increment(failed)) {
    names.push_back(it->path().filename().string());
  }
  if (failed && failed != std::errc::no_such_file_or_directory) {
    return io::system_error("list", folder, failed.value());
  }
  std::sort(names.begin(), names.end());
  return names;
}

bool is_folder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

/// Returns true for "<17 digits>_<file id>" with this extension, the names that acceptance gives.
bool is_name_of_ours(std::string_view name, std::string_view ending) {
  constexpr std::size_t kTimeDigits = 17;
  if (!name.ends_with(ending) || name.size() <= kTimeDigits || name[kTimeDigits] != '_') return false;
  return std::all_of(name.begin(), name.begin() + kTimeDigits, [](char c) { return c >= '0' && c <= '9'; });
}

ArchivedTable sorted_by_kind(TableRef table, const fs::path& folder, std::vector<std::string> names) {
  ArchivedTable archived{std::move(table), {}, {}, {}, {}};
  for (auto& name : names) {
    const bool file = !is_folder(folder / name);
    if (file && is_name_of_ours(name, ".csv"))
      archived.files.push_back(std::move(name));
    else if (file && is_name_of_ours(name, ".xlsx"))
      archived.originals.push_back(std::move(name));
    else if (file && is_name_of_ours(name, ".json"))
      archived.manifests.push_back(std::move(name));
    else
      archived.others.push_back(std::move(name));
  }
  return archived;
}

/// Returns the name of the archived file that a manifest or a workbook belongs to.
std::string file_beside(const std::string& name) { return fs::path(name).replace_extension(".csv").string(); }

Error catalog_behind(const Layout& layout, const fs::path& what) {
  return {
      ErrorCode::conflict, "catalog-behind",
      fmt::format("the catalog does not know {}: it is missing, empty, or older than the archive",
                  what.string()),
      fmt::format("run `deltadrop rebuild catalog --data-dir {}`, which makes it again from the archive's "
                  "manifests; or put back the newest backup of catalog.db",
                  layout.root.string())};
}

using VersionsByName = std::map<std::string, UploadRecord, std::less<>>;

/// A table's accepted versions by file name.
Result<VersionsByName> versions_by_name(Catalog& catalog, const TableRef& table) {
  VersionsByName versions;
  for (Version first(1);;) {
    DD_TRY(auto page, catalog.versions(table, first, kPage));
    if (page.empty()) return versions;
    first = page.back().version->next();
    for (auto& upload : page) {
      std::string name = upload.file.archive_name;
      versions.emplace(std::move(name), std::move(upload));
    }
  }
}

Result<void> refuse_unknown_manifests(const Layout& layout, const ArchivedTable& archived,
                                      const VersionsByName& versions) {
  for (const auto& manifest : archived.manifests) {
    if (versions.contains(file_beside(manifest))) continue;
    return catalog_behind(layout, layout.archive_folder(archived.table) / manifest);
  }
  return success();
}

Result<void> empty_spool(const Layout& layout) {
  DD_TRY(const auto names, names_in(layout.spool()));
  for (const auto& name : names) {
    DD_TRY(io::remove_file(layout.spool() / name));
  }
  return success();
}

/// If the file cannot be moved, it stays where it does no harm, and the start continues.
void put_away(const Layout& layout, const fs::path& path) {
  const auto moved = move_to_lost_and_found(layout, path);
  if (moved.has_value()) return;
  spdlog::error("{} belongs to no upload, and stays there: {}", path.string(), moved.error().text());
}

/// Returns true for a version's partly written file or manifest; its name shows that it is ours.
bool is_leftover_of(const VersionsByName& versions, const std::string& name) {
  constexpr std::string_view kTemporary = ".tmp";
  if (!name.ends_with(kTemporary)) return false;
  const std::string of = name.substr(0, name.size() - kTemporary.size());
  return versions.contains(of.ends_with(".json") ? file_beside(of) : of);
}

Result<void> put_unknown_away(const Layout& layout, const ArchivedTable& archived,
                              const VersionsByName& versions) {
  const fs::path folder = layout.archive_folder(archived.table);
  for (const auto& name : archived.others) {
    if (versions.contains(name)) continue;
    if (is_leftover_of(versions, name)) {
      DD_TRY(io::remove_file(folder / name));
    } else {
      put_away(layout, folder / name);
    }
  }
  // These may include the file of an acceptance that was not committed. No client got a success response for
  // it.
  for (const auto& name : archived.files) {
    if (!versions.contains(name)) put_away(layout, folder / name);
  }
  for (const auto& name : archived.originals) {
    const auto version = versions.find(file_beside(name));
    if (version == versions.end() || !version->second.file.source) put_away(layout, folder / name);
  }
  return success();
}

/// Moves everything in the archive outside of the tables' folders to lost+found.
Result<void> put_strangers_away(const Layout& layout) {
  DD_TRY(const auto companies, names_in(layout.archive()));
  for (const auto& company : companies) {
    const fs::path folder = layout.archive() / company;
    // A file system that is mounted there has a lost+found folder.
    if (company == "lost+found") continue;
    if (folder == layout.archive_id_file()) continue;
    if (!is_folder(folder) || !TableRef::make(company, "t").has_value()) {
      put_away(layout, folder);
      continue;
    }
    DD_TRY(const auto tables, names_in(folder));
    for (const auto& table : tables) {
      if (is_folder(folder / table) && TableRef::make(company, table).has_value()) continue;
      put_away(layout, folder / table);
    }
  }
  return success();
}

void find_undescribed(const ArchivedTable& archived, VersionsByName& versions, LeftToDo& left) {
  for (const auto& manifest : archived.manifests) versions.erase(file_beside(manifest));
  for (auto& [name, upload] : versions) left.without_manifest.push_back(std::move(upload));
}

/// Returns true if the held file is not needed: the upload was released and the file has its name in the
/// archive, or the upload was discarded or has expired.
Result<bool> is_done_with(StoredFiles& files, Catalog& catalog, const std::string& name) {
  const auto id = UploadId::parse(fs::path(name).stem().string());
  const bool is_original = name.ends_with(".xlsx");
  if (!id.has_value() || (!is_original && !name.ends_with(".csv"))) return false;
  DD_TRY(const auto upload, catalog.find(id.value()));
  if (!upload || upload->state == UploadState::held) return false;
  if (is_original) {
    if (!upload->file.source) return false;
    return !upload->version || files.check_original_size(*upload).has_value();
  }
  return !upload->version || files.check_size(*upload).has_value();
}

Result<void> remove_unheld(StoredFiles& files, Catalog& catalog) {
  const Layout& layout = files.layout();
  DD_TRY(const auto held, catalog.held());
  std::set<std::string> expected;
  for (const auto& id : held) {
    DD_TRY(const auto upload, catalog.find(id));
    expected.insert(layout.held_file(id).filename().string());
    if (!upload) continue;
    static_cast<void>(files.check_size(*upload));
    if (upload->file.source) expected.insert(layout.held_original(id).filename().string());
  }
  DD_TRY(const auto names, names_in(layout.held()));
  for (const auto& name : names) {
    if (expected.contains(name)) continue;
    DD_TRY(const bool done, is_done_with(files, catalog, name));
    if (done) {
      DD_TRY(io::remove_file(layout.held() / name));
    } else {
      put_away(layout, layout.held() / name);
    }
  }
  return success();
}

Result<void> find_not_current(const Layout& layout, Catalog& catalog, LeftToDo& left) {
  DD_TRY(const auto tables, catalog.tables());
  for (const auto& table : tables) {
    fs::path leftover = layout.current_file(table.table);
    leftover += ".tmp";
    DD_TRY(io::remove_file(leftover));
    if (!is_current(layout, table.last)) left.not_current.push_back(table.table);
    if (!left.newest || left.newest->times.timestamp < table.last.times.timestamp) left.newest = table.last;
  }
  return success();
}

Result<void> restore_unsynced(const Layout& layout, Catalog& catalog, LeftToDo& left) {
  DD_TRY(const auto uploads, catalog.with_bytes());
  if (uploads.empty()) return success();
  DD_TRY(const auto restored, restore_files(layout, catalog, uploads));
  DD_TRY(catalog.forget_bytes(restored));
  for (const auto& id : restored) {
    DD_TRY(const auto upload, catalog.find(id));
    if (upload) left.not_current.push_back(upload->table);
  }
  return success();
}

/// Costs a stat for each version. Changed bytes are found when they are read.
void find_missing(StoredFiles& files, const VersionsByName& versions) {
  for (const auto& [name, upload] : versions) {
    for (const auto& checked : {files.check_size(upload), files.check_original_size(upload)}) {
      if (!checked.has_value()) spdlog::error("{}", checked.error().text());
    }
  }
}

/// Checks the tables that have no folder in the archive.
Result<void> find_missing_tables(StoredFiles& files, Catalog& catalog,
                                 const std::vector<ArchivedTable>& archive) {
  std::set<TableRef> found;
  for (const auto& archived : archive) found.insert(archived.table);
  DD_TRY(const auto tables, catalog.tables());
  for (const auto& table : tables) {
    if (found.contains(table.table)) continue;
    DD_TRY(const auto versions, versions_by_name(catalog, table.table));
    find_missing(files, versions);
  }
  return success();
}

}  // namespace

Result<std::vector<UploadId>> restore_files(const Layout& layout, Catalog& catalog,
                                            const std::vector<UploadId>& uploads) {
  std::vector<UploadId> restored;
  if (uploads.empty()) return restored;
  for (const auto& id : uploads) {
    DD_TRY(const auto upload, catalog.find(id));
    DD_TRY(const auto bytes, catalog.bytes(id));
    if (!upload || !bytes) continue;
    if (io::sha256_of(*bytes) != upload->file.sha256) {
      // Keep the bytes, in case the file is damaged too.
      spdlog::error("the bytes of upload {} of {} in catalog.db are damaged; its file stays as it is",
                    id.to_string(), upload->table.to_string());
      continue;
    }
    DD_TRY(write_archived(layout, *upload, *bytes));
    restored.push_back(id);
  }
  DD_TRY(io::sync_file_system(layout.root));
  return restored;
}

Result<std::vector<ArchivedTable>> scan_archive(const Layout& layout) {
  std::vector<ArchivedTable> tables;
  DD_TRY(const auto companies, names_in(layout.archive()));
  for (const auto& company : companies) {
    if (!is_folder(layout.archive() / company)) continue;
    DD_TRY(const auto table_names, names_in(layout.archive() / company));
    for (const auto& table_name : table_names) {
      auto table = TableRef::make(company, table_name);
      if (!table.has_value() || !is_folder(layout.archive_folder(table.value()))) continue;
      DD_TRY(auto names, names_in(layout.archive_folder(table.value())));
      const fs::path folder = layout.archive_folder(table.value());
      tables.push_back(sorted_by_kind(std::move(table).value(), folder, std::move(names)));
    }
  }
  return tables;
}

Result<void> refuse_lost_catalog(const Layout& layout) {
  std::error_code failed;
  const auto bytes = fs::file_size(layout.catalog(), failed);
  // SQLite takes an empty file for a database without tables; here it means a lost catalog.
  if (is_there(layout.catalog()) && (failed || bytes > 0)) return success();
  DD_TRY(const auto archive, scan_archive(layout));
  for (const auto& archived : archive) {
    const fs::path folder = layout.archive_folder(archived.table);
    if (!archived.manifests.empty()) return catalog_behind(layout, folder / archived.manifests.front());
    if (!archived.files.empty()) return catalog_behind(layout, folder / archived.files.front());
  }
  return success();
}

Result<void> refuse_no_catalog(const Layout& layout) {
  if (is_there(layout.catalog())) return success();
  return Error{ErrorCode::not_found, "no-catalog", fmt::format("{} holds no catalog", layout.root.string()),
               "give the folder of the server, or run `deltadrop rebuild catalog`"};
}

Result<LeftToDo> recover(StoredFiles& files, Catalog& catalog) {
  const Layout& layout = files.layout();
  DD_TRY(const auto archive, scan_archive(layout));
  std::vector<VersionsByName> versions;
  versions.reserve(archive.size());
  for (const auto& archived : archive) {
    DD_TRY(auto known, versions_by_name(catalog, archived.table));
    DD_TRY(refuse_unknown_manifests(layout, archived, known));
    versions.push_back(std::move(known));
  }
  LeftToDo left;
  DD_TRY(restore_unsynced(layout, catalog, left));
  DD_TRY(empty_spool(layout));
  for (std::size_t i = 0; i < archive.size(); ++i) {
    DD_TRY(put_unknown_away(layout, archive[i], versions[i]));
    find_missing(files, versions[i]);
    find_undescribed(archive[i], versions[i], left);
  }
  DD_TRY(put_strangers_away(layout));
  DD_TRY(remove_unheld(files, catalog));
  DD_TRY(find_missing_tables(files, catalog, archive));
  DD_TRY(find_not_current(layout, catalog, left));
  return left;
}

}  // namespace deltadrop::ingest
