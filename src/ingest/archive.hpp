#pragma once

#include <filesystem>
#include <optional>
#include <string_view>

#include "ingest/ingest.hpp"

/// The folders of one DATA_DIR and what is done to the files in them. Every path that is stored is relative
/// to them.
namespace deltadrop::ingest {

namespace fs = std::filesystem;

/// Passes the fault point "ingest.<name>", which concerns the file `path`; fails where a test says so.
Result<void> pass_step(std::string_view name, const fs::path& path);

/// Where things are. An upload's own file names come from its ids alone, never from a client.
struct Layout {
  fs::path root;

  [[nodiscard]] fs::path spool() const { return root / "spool"; }
  [[nodiscard]] fs::path held() const { return root / "held"; }
  [[nodiscard]] fs::path archive() const { return root / "archive"; }
  [[nodiscard]] fs::path current() const { return root / "current"; }
  [[nodiscard]] fs::path lost_and_found() const { return root / "lost+found"; }
  [[nodiscard]] fs::path lock() const { return root / "lock"; }
  [[nodiscard]] fs::path catalog() const { return root / "catalog.db"; }

  [[nodiscard]] fs::path archive_id_file() const { return archive() / "archive-id"; }

  [[nodiscard]] fs::path held_file(const UploadId& upload) const {
    return held() / (upload.to_string() + ".csv");
  }
  [[nodiscard]] fs::path archive_folder(const TableRef& table) const {
    return archive() / table.company_id / table.table_name;
  }
  [[nodiscard]] fs::path archived_file(const UploadRecord& upload) const {
    return archive_folder(upload.table) / upload.file.archive_name;
  }
  [[nodiscard]] fs::path manifest_file(const UploadRecord& upload) const {
    return archived_file(upload).replace_extension(".json");
  }
  [[nodiscard]] fs::path current_file(const TableRef& table) const {
    return current() / table.company_id / (table.table_name + ".csv");
  }
  [[nodiscard]] fs::path held_original(const UploadId& upload) const {
    return held() / (upload.to_string() + ".xlsx");
  }
  /// The workbook that an archived file was converted from.
  [[nodiscard]] fs::path archived_original(const UploadRecord& upload) const {
    return archived_file(upload).replace_extension(".xlsx");
  }
  /// Where the workbook of a held or accepted upload is.
  [[nodiscard]] fs::path stored_original(const UploadRecord& upload) const {
    return upload.version ? archived_original(upload) : held_original(upload.upload_id);
  }
  /// Where the file of a held or accepted upload is.
  [[nodiscard]] fs::path stored_file(const UploadRecord& upload) const {
    return upload.version ? archived_file(upload) : held_file(upload.upload_id);
  }
};

/// "<YYYYMMDDHHMMSSmmm>_<file_id>.csv"
std::string archive_name_of(Timestamp timestamp, std::string_view file_id);

/// Makes the folders; fails with conflict "several-file-systems" unless spool, held and archive can rename to
/// another.
Result<void> prepare_folders(const Layout& layout);

/// Syncs a spooled file, and the workbook that it was converted from, and moves them to their held names,
/// durably.
Result<void> hold_file(const Layout& layout, const fs::path& spooled, const std::optional<fs::path>& original,
                       const UploadId& upload);

enum class Source { goes, stays };
/// `later`: not durable before the whole file system is synced. Only for an upload whose bytes the catalog
/// keeps until then.
enum class Sync { now, later };

/// A received or held file on its way into the archive.
struct Arrival {
  fs::path path;
  Source source = Source::goes;
  std::optional<std::string_view> bytes;  ///< of a small file, for the catalog to keep
  std::optional<fs::path> original;       ///< the workbook that it was converted from; `bytes` are not given

  [[nodiscard]] Sync sync() const { return bytes ? Sync::later : Sync::now; }
};

/// The steps of acceptance before the catalog's commit: syncs the file and gives it its name in the archive,
/// durably, or both without syncing where the catalog keeps the bytes. A held file's name stays until the
/// commit. Fails with conflict, type "file-exists", where the archive has a file of that name: it may be the
/// only copy of something. The same is done to the workbook, whose name comes first. `placed` says which
/// names are this upload's, also after a failure.
struct Placed {
  bool original = false;
  bool file = false;
};
Result<void> place_in_archive(const Layout& layout, const Arrival& arrival, const UploadRecord& upload,
                              Placed& placed);

/// Removes what was placed for an upload that was not accepted.
Result<void> remove_placed(const Layout& layout, const UploadRecord& upload);

/// Writes the manifest beside the archived file.
Result<void> write_manifest(const Layout& layout, const UploadRecord& upload, Sync sync = Sync::now);

/// Writes a small upload's file and manifest anew, without syncing: what a crash or a failed sync left of
/// them is not to be trusted.
Result<void> write_archived(const Layout& layout, const UploadRecord& upload, std::string_view bytes);

/// Makes the archived file its table's current one, by rename, without syncing.
Result<void> make_current(const Layout& layout, const UploadRecord& last);
/// Notes that a table's current file, as of this version, is on disk: it gets the version's timestamp as its
/// time of modification. One that is another version's by now gets what fits no version.
void mark_current(const Layout& layout, const TableRef& table, Timestamp timestamp);
/// Whether the current file is that version's, and whole, by its mark: this costs no reading.
bool is_current(const Layout& layout, const UploadRecord& last);

/// Moves a file or folder of DATA_DIR that nothing accounts for to lost+found/<its place in DATA_DIR>, or, if
/// that is taken, to the same with ".1", ".2"... It may be the only copy of something, so it is neither
/// deleted nor overwritten. Logs a line. Returns where it is now.
Result<fs::path> move_to_lost_and_found(const Layout& layout, const fs::path& path);

}  // namespace deltadrop::ingest
