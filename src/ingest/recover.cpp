#include "ingest/recover.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "io/file.hpp"
#include "io/mapped_file.hpp"
#include "io/sha256.hpp"

namespace deltadrop::ingest {
namespace {

constexpr std::int64_t kPage = 1000;

/// Names in a folder, sorted; none where there is no such folder.
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

ArchivedTable sorted_by_kind(TableRef table, std::vector<std::string> names) {
  ArchivedTable archived{std::move(table), {}, {}, {}};
  for (auto& name : names) {
    if (name.ends_with(".csv"))
      archived.files.push_back(std::move(name));
    else if (name.ends_with(".json"))
      archived.manifests.push_back(std::move(name));
    else if (name.ends_with(".tmp"))
      archived.leftovers.push_back(std::move(name));
  }
  return archived;
}

std::string file_of_manifest(const std::string& manifest) {
  return fs::path(manifest).replace_extension(".csv").string();
}

Error catalog_behind(const fs::path& what) {
  return {
      ErrorCode::conflict, "catalog-behind",
      fmt::format("the catalog does not know {}: it is missing, or older than the archive", what.string()),
      "run `deltadrop rebuild catalog`, which makes it again from the archive's manifests; or restore the "
      "catalog "
      "that belongs to this DATA_DIR"};
}

using VersionsByName = std::map<std::string, UploadRecord, std::less<>>;

/// A table's accepted versions by the names of their files.
Result<VersionsByName> versions_by_name(Catalog& catalog, const TableRef& table) {
  VersionsByName versions;
  for (Version first(1);;) {
    DD_TRY(auto page, catalog.versions(table, first, kPage));
    if (page.empty()) return versions;
    first = page.back().version->next();
    for (auto& upload : page) {
      std::string name = upload.archive_name;
      versions.emplace(std::move(name), std::move(upload));
    }
  }
}

Result<void> refuse_unknown_manifests(const Layout& layout, const ArchivedTable& archived,
                                      const VersionsByName& versions) {
  for (const auto& manifest : archived.manifests) {
    if (versions.contains(file_of_manifest(manifest))) continue;
    return catalog_behind(layout.archive_folder(archived.table) / manifest);
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

Result<void> remove_unaccepted(const Layout& layout, const ArchivedTable& archived,
                               const VersionsByName& versions) {
  const fs::path folder = layout.archive_folder(archived.table);
  for (const auto& name : archived.leftovers) {
    DD_TRY(io::remove_file(folder / name));
  }
  for (const auto& name : archived.files) {
    if (versions.contains(name)) continue;
    DD_TRY(io::remove_file(folder / name));
  }
  return success();
}

void find_undescribed(const ArchivedTable& archived, VersionsByName& versions, LeftToDo& left) {
  for (const auto& manifest : archived.manifests) versions.erase(file_of_manifest(manifest));
  for (auto& [name, upload] : versions) left.without_manifest.push_back(std::move(upload));
}

Result<void> remove_unheld(const Layout& layout, Catalog& catalog) {
  DD_TRY(const auto held, catalog.held());
  std::set<std::string> expected;
  for (const auto& id : held) expected.insert(layout.held_file(id).filename().string());
  DD_TRY(const auto names, names_in(layout.held()));
  for (const auto& name : names) {
    if (expected.contains(name)) continue;
    DD_TRY(io::remove_file(layout.held() / name));
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
    if (!left.newest || left.newest->timestamp < table.last.timestamp) left.newest = table.last;
  }
  return success();
}

Result<void> restore_unsynced(const Layout& layout, Catalog& catalog, LeftToDo& left) {
  DD_TRY(const auto uploads, catalog.with_bytes());
  if (uploads.empty()) return success();
  DD_TRY(restore_files(layout, catalog, uploads));
  DD_TRY(catalog.forget_bytes(uploads));
  for (const auto& id : uploads) {
    DD_TRY(const auto upload, catalog.find(id));
    if (upload) left.not_current.push_back(upload->table);
  }
  return success();
}

}  // namespace

Result<void> restore_files(const Layout& layout, Catalog& catalog, const std::vector<UploadId>& uploads) {
  if (uploads.empty()) return success();
  for (const auto& id : uploads) {
    DD_TRY(const auto upload, catalog.find(id));
    DD_TRY(const auto bytes, catalog.bytes(id));
    if (!upload || !bytes) continue;
    DD_TRY(write_archived(layout, *upload, *bytes));
  }
  return io::sync_file_system(layout.root);
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
      tables.push_back(sorted_by_kind(std::move(table).value(), std::move(names)));
    }
  }
  return tables;
}

Result<void> refuse_lost_catalog(const Layout& layout) {
  if (is_there(layout.catalog())) return success();
  DD_TRY(const auto archive, scan_archive(layout));
  for (const auto& archived : archive) {
    const fs::path folder = layout.archive_folder(archived.table);
    if (!archived.manifests.empty()) return catalog_behind(folder / archived.manifests.front());
    if (!archived.files.empty()) return catalog_behind(folder / archived.files.front());
  }
  return success();
}

Result<void> refuse_no_catalog(const Layout& layout) {
  if (is_there(layout.catalog())) return success();
  return Error{ErrorCode::not_found, "no-catalog", fmt::format("{} holds no catalog", layout.root.string()),
               "give the folder of the server, or run `deltadrop rebuild catalog`"};
}

Result<LeftToDo> recover(const Layout& layout, Catalog& catalog) {
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
    DD_TRY(remove_unaccepted(layout, archive[i], versions[i]));
    find_undescribed(archive[i], versions[i], left);
  }
  DD_TRY(remove_unheld(layout, catalog));
  DD_TRY(find_not_current(layout, catalog, left));
  return left;
}

Result<void> check_stored_bytes(const Layout& layout, const UploadRecord& upload) {
  const fs::path path = layout.stored_file(upload);
  std::string what = "it is missing";
  const auto file = io::MappedFile::open(path);
  if (!file.has_value() && file.error().code != ErrorCode::not_found) return file.error();
  if (file.has_value()) {
    const std::string_view bytes = file.value().bytes();
    if (std::ssize(bytes) != upload.bytes) {
      what = fmt::format("it has {} bytes, {} are recorded", bytes.size(), upload.bytes);
    } else if (io::sha256_of(bytes) != upload.sha256) {
      what = "its SHA-256 differs";
    } else {
      return file.value().check_unchanged();
    }
  }
  return Error{ErrorCode::corrupt, "archive-damaged",
               fmt::format("{} is not the file of upload {} any more: {}", path.string(),
                           upload.upload_id.to_string(), what),
               "restore that file from a backup"};
}

}  // namespace deltadrop::ingest
