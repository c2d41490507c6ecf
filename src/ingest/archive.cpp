#include "ingest/archive.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <chrono>

#include "ingest/manifest.hpp"
#include "io/fault_point.hpp"
#include "io/file.hpp"
#include "io/file_stamp.hpp"
#include "io/new_name.hpp"

namespace deltadrop::ingest {
namespace {

constexpr mode_t kArchivedMode = 0444;
constexpr int kNumbersMax = 100'000;

fs::file_time_type file_time_of(Timestamp timestamp) {
  using namespace std::chrono;
  return fs::file_time_type::clock::from_sys(sys_time<milliseconds>(milliseconds(timestamp.unix_ms)));
}

/// Sets the mode of a spooled or held file, and syncs the file.
Result<void> finish_stored(const fs::path& path, mode_t mode, Sync sync) {
  DD_TRY(auto file, io::File::open_to_read(path));
  DD_TRY(file.set_mode(mode));
  if (sync == Sync::now) {
    DD_TRY(file.sync());
  }
  return file.close();
}

Result<void> make_archive_folder(const Layout& layout, const fs::path& folder, Sync sync) {
  if (sync == Sync::later) return io::make_folders(folder);
  DD_TRY(io::make_folders(folder));
  // Sync folders that existed before, too: a small upload may have made them without syncing.
  DD_TRY(io::sync_folder(folder.parent_path()));
  return io::sync_folder(layout.archive());
}

Result<void> give_name(const fs::path& from, const fs::path& to, Source source) {
  return source == Source::stays ? io::link_file(from, to) : io::rename_to_new_name(from, to);
}

fs::path numbered(const fs::path& path, int number) {
  return number == 0 ? path : fs::path(fmt::format("{}.{}", path.string(), number));
}

}  // namespace

Result<void> pass_step(std::string_view name, const fs::path& path) {
  const int number = io::fault_point(fmt::format("ingest.{}", name), path);
  if (number != 0) return io::system_error(fmt::format("pass {} of", name), path, number);
  return success();
}

std::string archive_name_of(Timestamp timestamp, std::string_view file_id) {
  return fmt::format("{}_{}.csv", timestamp.compact_milliseconds(), file_id);
}

Result<void> prepare_folders(const Layout& layout) {
  for (const auto& folder : {layout.spool(), layout.held(), layout.archive(), layout.current()}) {
    DD_TRY(io::make_folders_durably(folder));
  }
  DD_TRY(const auto archive, io::file_system_of(layout.archive()));
  for (const auto& folder : {layout.spool(), layout.held()}) {
    DD_TRY(const auto other, io::file_system_of(folder));
    if (other == archive) continue;
    return Error{
        ErrorCode::conflict, "several-file-systems",
        fmt::format("{} and {} are on different file systems", folder.string(), layout.archive().string()),
        "put DATA_DIR's spool, held and archive on one: a file is accepted by a rename"};
  }
  return success();
}

Result<void> hold_file(const Layout& layout, const fs::path& spooled, const std::optional<fs::path>& original,
                       const UploadId& upload) {
  if (original) {
    DD_TRY(finish_stored(*original, 0644, Sync::now));
    DD_TRY(pass_step("hold.original_synced", *original));
    DD_TRY(io::rename_file(*original, layout.held_original(upload)));
    DD_TRY(pass_step("hold.original_moved", layout.held_original(upload)));
  }
  DD_TRY(finish_stored(spooled, 0644, Sync::now));
  DD_TRY(pass_step("hold.synced", spooled));
  const fs::path to = layout.held_file(upload);
  DD_TRY(io::rename_file(spooled, to));
  DD_TRY(pass_step("hold.moved", to));
  return io::sync_folder(layout.held());
}

Result<void> place_in_archive(const Layout& layout, const Arrival& arrival, const UploadRecord& upload,
                              Placed& placed) {
  std::error_code failed;
  if (arrival.original) {
    fs::last_write_time(*arrival.original, file_time_of(*upload.times.timestamp), failed);
    DD_TRY(finish_stored(*arrival.original, kArchivedMode, Sync::now));
    DD_TRY(pass_step("accept.original_synced", *arrival.original));
  }
  fs::last_write_time(arrival.path, file_time_of(*upload.times.timestamp), failed);
  DD_TRY(finish_stored(arrival.path, kArchivedMode, arrival.sync()));
  DD_TRY(pass_step("accept.synced", arrival.path));
  const fs::path folder = layout.archive_folder(upload.table);
  DD_TRY(make_archive_folder(layout, folder, arrival.sync()));
  DD_TRY(pass_step("accept.folders_made", folder));
  // Place the workbook first, so that an archived CSV always has its workbook.
  if (arrival.original) {
    const fs::path original = layout.archived_original(upload);
    DD_TRY(give_name(*arrival.original, original, arrival.source));
    placed.original = true;
    DD_TRY(pass_step("accept.original_placed", original));
  }
  const fs::path to = layout.archived_file(upload);
  DD_TRY(give_name(arrival.path, to, arrival.source));
  placed.file = true;
  DD_TRY(pass_step("accept.placed", to));
  if (arrival.sync() == Sync::now) {
    DD_TRY(io::sync_folder(folder));
  }
  return pass_step("accept.folder_synced", to);
}

Result<void> remove_placed(const Layout& layout, const UploadRecord& upload) {
  DD_TRY(io::remove_file(layout.archived_file(upload)));
  if (!upload.file.source) return success();
  return io::remove_file(layout.archived_original(upload));
}

Result<void> write_manifest(const Layout& layout, const UploadRecord& upload, Sync sync) {
  const fs::path path = layout.manifest_file(upload);
  if (sync == Sync::later) return io::write_file(path, manifest_text(upload), kArchivedMode);
  return io::write_file_durably(path, manifest_text(upload), kArchivedMode);
}

Result<void> write_archived(const Layout& layout, const UploadRecord& upload, std::string_view bytes) {
  const fs::path path = layout.archived_file(upload);
  DD_TRY(io::make_folders(path.parent_path()));
  DD_TRY(io::write_file(path, bytes, kArchivedMode));
  std::error_code failed;
  fs::last_write_time(path, file_time_of(*upload.times.timestamp), failed);
  return write_manifest(layout, upload, Sync::later);
}

Result<void> make_current(const Layout& layout, const UploadRecord& last) {
  const fs::path to = layout.current_file(last.table);
  // No sync: the next start remakes a current file that is missing or wrong.
  DD_TRY(io::make_folders(to.parent_path()));
  DD_TRY(io::clone_file(layout.archived_file(last), to));
  return pass_step("accept.swapped", to);
}

void mark_current(const Layout& layout, const TableRef& table, Timestamp timestamp) {
  // If this fails, the file has no mark and the next start remakes it.
  std::error_code ignored;
  fs::last_write_time(layout.current_file(table), file_time_of(timestamp), ignored);
}

bool is_current(const Layout& layout, const UploadRecord& last) {
  const fs::path path = layout.current_file(last.table);
  const auto stamp = io::stamp_of(path);
  if (!stamp.has_value() || stamp.value().bytes != last.file.bytes) return false;
  // Earlier versions made a hard link. Writing to the link would change the archive, so it is not valid.
  const auto archived = io::stamp_of(layout.archived_file(last));
  if (archived.has_value() && archived.value().same_file(stamp.value())) return false;
  std::error_code failed;
  const auto time = fs::last_write_time(path, failed);
  return !failed && time == file_time_of(*last.times.timestamp);
}

Result<fs::path> move_to_lost_and_found(const Layout& layout, const fs::path& path) {
  const fs::path wanted = layout.lost_and_found() / path.lexically_relative(layout.root);
  DD_TRY(io::make_folders_durably(wanted.parent_path()));
  for (int number = 0; number < kNumbersMax; ++number) {
    const fs::path to = numbered(wanted, number);
    const auto moved = io::rename_to_new_name(path, to);
    if (!moved.has_value() && moved.error().code == ErrorCode::conflict) continue;
    if (!moved.has_value()) return moved.error();
    DD_TRY(io::sync_folder(to.parent_path()));
    DD_TRY(io::sync_folder(path.parent_path()));
    spdlog::warn("{} belongs to no upload; it was moved to {}", path.string(), to.string());
    return to;
  }
  return Error{ErrorCode::conflict, "file-exists",
               fmt::format("{} cannot be moved: {} and {} names like it are taken", path.string(),
                           wanted.string(), kNumbersMax - 1),
               "look through lost+found and delete what you do not need"};
}

}  // namespace deltadrop::ingest
