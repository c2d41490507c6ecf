#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "ingest/archive.hpp"
#include "ingest/catalog.hpp"
#include "ingest/manifest.hpp"
#include "ingest/recover.hpp"
#include "io/file.hpp"

namespace deltadrop::ingest {
namespace {

using Uploads = std::vector<UploadRecord>;

Error broken_chain(const fs::path& manifest, std::string_view reason) {
  return {ErrorCode::corrupt, "broken-chain",
          fmt::format("{} does not fit its table: {}", manifest.string(), reason),
          "restore the table's folder in the archive from a backup"};
}

/// Why `upload` cannot be the version that follows `last`; empty where it can.
std::string misfit(const UploadRecord& upload, const UploadRecord* last) {
  const std::int64_t expected = last == nullptr ? 1 : last->version->value + 1;
  if (!upload.version || upload.version->value != expected) {
    return fmt::format("version {} is missing", expected);
  }
  if (!upload.timestamp || !upload.effective_at) return "its times are missing";
  if (last == nullptr) return upload.previous_upload_id ? "a first version names a previous upload" : "";
  const auto previous =
      last->counts.changes() > 0 ? std::optional(last->upload_id) : last->previous_upload_id;
  if (upload.previous_upload_id != previous) return "it names another previous upload";
  if (*upload.timestamp <= *last->timestamp) return "its timestamp is not after the version before";
  if (*upload.effective_at <= *last->effective_at) return "its effective_at is not after the version before";
  return "";
}

/// A table's manifests in version order, checked against each other and against the files.
Result<Uploads> read_table(const Layout& layout, const ArchivedTable& archived) {
  const fs::path folder = layout.archive_folder(archived.table);
  Uploads uploads;
  for (const auto& name : archived.manifests) {
    const fs::path path = folder / name;
    DD_TRY(const auto text, io::read_whole_file(path));
    DD_TRY(auto upload, read_manifest(text, path));
    if (upload.table != archived.table || layout.manifest_file(upload) != path) {
      return broken_chain(
          path, fmt::format("it is the manifest of {} of {}", upload.archive_name, upload.table.to_string()));
    }
    uploads.push_back(std::move(upload));
  }
  std::sort(uploads.begin(), uploads.end(),
            [](const UploadRecord& a, const UploadRecord& b) { return a.version < b.version; });
  for (std::size_t i = 0; i < uploads.size(); ++i) {
    const std::string reason = misfit(uploads[i], i == 0 ? nullptr : &uploads[i - 1]);
    if (!reason.empty()) return broken_chain(layout.manifest_file(uploads[i]), reason);
    DD_TRY(check_stored_bytes(layout, uploads[i]));
    uploads[i].state = UploadState::accepted;
    uploads[i].published_at.reset();
  }
  return uploads;
}

fs::path with_suffix(fs::path path, std::string_view suffix) {
  path += suffix;
  return path;
}

constexpr std::array<std::string_view, 3> kDatabaseSuffixes = {"", "-wal", "-shm"};

Result<void> write_catalog(const fs::path& path, const std::vector<Uploads>& tables) {
  for (const auto suffix : kDatabaseSuffixes) {
    DD_TRY(io::remove_file(with_suffix(path, suffix)));
  }
  {
    DD_TRY(const auto catalog, Catalog::open(path));
    for (const auto& uploads : tables) {
      for (const auto& upload : uploads) {
        DD_TRY(catalog->add_version(upload));
      }
    }
  }
  // Closing it has moved everything from the -wal file into the database.
  DD_TRY(auto file, io::File::open_to_read(path));
  DD_TRY(file.sync());
  return file.close();
}

/// Puts the new catalog in the old one's place; the old one is kept beside it until the next rebuild.
Result<void> replace_catalog(const Layout& layout, const fs::path& made) {
  for (const auto suffix : kDatabaseSuffixes) {
    const fs::path old = with_suffix(layout.catalog(), suffix);
    std::error_code ignored;
    if (!fs::exists(old, ignored)) continue;
    DD_TRY(io::rename_file(old, with_suffix(layout.catalog(), fmt::format(".before-rebuild{}", suffix))));
  }
  DD_TRY(pass_step("rebuild.old_aside"));
  DD_TRY(io::rename_file(made, layout.catalog()));
  return io::sync_folder(layout.root);
}

Result<void> set_aside(const fs::path& from, const fs::path& to, RebuildReport& report) {
  DD_TRY(io::make_folders_durably(to.parent_path()));
  DD_TRY(io::rename_file(from, to));
  DD_TRY(io::sync_folder(to.parent_path()));
  report.unclaimed.push_back(to);
  return success();
}

/// Files that recovery would remove for want of a row. The row may have been lost with the old catalog.
Result<void> set_unclaimed_aside(const Layout& layout, const std::vector<ArchivedTable>& archive,
                                 RebuildReport& report) {
  for (const auto& archived : archive) {
    for (const auto& name : archived.files) {
      const std::string manifest = fs::path(name).replace_extension(".json").string();
      if (std::binary_search(archived.manifests.begin(), archived.manifests.end(), manifest)) continue;
      const fs::path target =
          layout.unclaimed() / archived.table.company_id / archived.table.table_name / name;
      DD_TRY(set_aside(layout.archive_folder(archived.table) / name, target, report));
    }
  }
  std::error_code ignored;
  std::vector<fs::path> held;
  for (const auto& entry : fs::directory_iterator(layout.held(), ignored)) held.push_back(entry.path());
  std::sort(held.begin(), held.end());
  for (const auto& path : held) {
    DD_TRY(set_aside(path, layout.unclaimed() / "held" / path.filename(), report));
  }
  return success();
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
  DD_TRY(const auto archive, scan_archive(layout));
  DD_TRY(check_spellings(archive));
  RebuildReport report;
  std::vector<Uploads> tables;
  for (const auto& archived : archive) {
    DD_TRY(auto uploads, read_table(layout, archived));
    if (uploads.empty()) continue;
    ++report.tables;
    report.uploads += std::ssize(uploads);
    tables.push_back(std::move(uploads));
  }
  const fs::path made = with_suffix(layout.catalog(), ".rebuild");
  DD_TRY(write_catalog(made, tables));
  DD_TRY(set_unclaimed_aside(layout, archive, report));
  DD_TRY(replace_catalog(layout, made));
  return report;
}

}  // namespace deltadrop::ingest
