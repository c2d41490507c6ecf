#pragma once

#include <filesystem>
#include <optional>
#include <string_view>

#include "ingest/ingest.hpp"

/// The folders of one DATA_DIR and the operations on their files. All stored paths are relative to DATA_DIR.
namespace deltadrop::ingest {

namespace fs = std::filesystem;

/// Passes the fault point "ingest.<name>" for the file `path`. Fails if a test injects a failure there.
Result<void> pass_step(std::string_view name, const fs::path& path);

/// The paths of all files in DATA_DIR. The names of an upload's files are made from its timestamp and
/// validated ids only, never from other text of a client.
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
  /// The path of the workbook that an archived file was converted from.
  [[nodiscard]] fs::path archived_original(const UploadRecord& upload) const {
    return archived_file(upload).replace_extension(".xlsx");
  }
  /// The path of the workbook of a held or accepted upload.
  [[nodiscard]] fs::path stored_original(const UploadRecord& upload) const {
    return upload.version ? archived_original(upload) : held_original(upload.upload_id);
  }
  /// The path of the file of a held or accepted upload.
  [[nodiscard]] fs::path stored_file(const UploadRecord& upload) const {
    return upload.version ? archived_file(upload) : held_file(upload.upload_id);
  }
};

/// Returns "<YYYYMMDDHHMMSSmmm>_<file_id>.csv".
std::string archive_name_of(Timestamp timestamp, std::string_view file_id);

/// Creates the folders. Fails with conflict, type "several-file-systems", unless files can be renamed between
/// spool, held and archive.
Result<void> prepare_folders(const Layout& layout);

/// Syncs a spooled file and the workbook that it was converted from, and renames them durably to their held
/// names.
Result<void> hold_file(const Layout& layout, const fs::path& spooled, const std::optional<fs::path>& original,
                       const UploadId& upload);

enum class Source { goes, stays };
/// `later`: the file is durable only after a sync of the whole file system. Use it only for an upload whose
/// bytes the catalog keeps until then.
enum class Sync { now, later };

/// A received or held file that is to be placed in the archive.
struct Arrival {
  fs::path path;
  Source source = Source::goes;
  std::optional<std::string_view> bytes;  ///< the bytes of a small file, which the catalog keeps
  std::optional<fs::path> original;  ///< the workbook that the file was converted from; then `bytes` is empty

  [[nodiscard]] Sync sync() const { return bytes ? Sync::later : Sync::now; }
};

/// The names in the archive that belong to this upload.
struct Placed {
  bool original = false;
  bool file = false;
};
/// Runs the steps of acceptance before the catalog's commit: syncs the file and durably gives it its name in
/// the archive. If the catalog keeps the bytes, nothing is synced yet. A held file keeps its held name until
/// the commit. The workbook, if any, is placed first in the same way. `placed` tells which names belong to
/// this upload, also after a failure. Fails with conflict, type "file-exists", if the archive has a file of
/// that name, which may be the only copy of something.
Result<void> place_in_archive(const Layout& layout, const Arrival& arrival, const UploadRecord& upload,
                              Placed& placed);

/// Removes the files that were placed for an upload that was not accepted.
Result<void> remove_placed(const Layout& layout, const UploadRecord& upload);

/// Writes the manifest next to the archived file.
Result<void> write_manifest(const Layout& layout, const UploadRecord& upload, Sync sync = Sync::now);

/// Rewrites a small upload's file and manifest without syncing, because a crash or a failed sync may have
/// left them damaged.
Result<void> write_archived(const Layout& layout, const UploadRecord& upload, std::string_view bytes);

/// Makes the archived file the table's current one, by rename, without syncing.
Result<void> make_current(const Layout& layout, const UploadRecord& last);
/// Marks a table's current file as synced: its modification time becomes the version's timestamp. If the file
/// belongs to another version by now, it gets a time that matches no version.
void mark_current(const Layout& layout, const TableRef& table, Timestamp timestamp);
/// Returns true if the mark shows that the current file is this version's and complete. Does not read the
/// file.
bool is_current(const Layout& layout, const UploadRecord& last);

/// Moves a file or folder of DATA_DIR that does not belong to any upload to lost+found, under its path in
/// DATA_DIR. If that name is taken, it appends ".1", ".2" and so on. The file may be the only copy of
/// something, so it is neither deleted nor overwritten. Logs a line. Returns the new path.
Result<fs::path> move_to_lost_and_found(const Layout& layout, const fs::path& path);

}  // namespace deltadrop::ingest
