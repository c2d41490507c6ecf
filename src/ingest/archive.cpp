#include "ingest/archive.hpp"

#include <fmt/format.h>

#include <chrono>

#include "ingest/manifest.hpp"
#include "io/fault_point.hpp"
#include "io/file.hpp"

namespace deltadrop::ingest {
namespace {

constexpr mode_t kArchivedMode = 0444;

fs::file_time_type file_time_of(Timestamp timestamp) {
  using namespace std::chrono;
  return fs::file_time_type::clock::from_sys(sys_time<milliseconds>(milliseconds(timestamp.unix_ms)));
}

/// Makes a spooled or held file's bytes and mode durable.
Result<void> sync_stored(const fs::path& path, mode_t mode) {
  DD_TRY(auto file, io::File::open_to_read(path));
  DD_TRY(file.set_mode(mode));
  DD_TRY(file.sync());
  return file.close();
}

}  // namespace

Result<void> pass_step(std::string_view name) {
  const int number = io::fault_point(fmt::format("ingest.{}", name));
  if (number != 0) return io::system_error("pass", fs::path(name), number);
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

Result<void> hold_file(const Layout& layout, const fs::path& spooled, const UploadId& upload) {
  DD_TRY(sync_stored(spooled, 0644));
  DD_TRY(pass_step("hold.synced"));
  DD_TRY(io::rename_file(spooled, layout.held_file(upload)));
  DD_TRY(pass_step("hold.moved"));
  return io::sync_folder(layout.held());
}

Result<void> place_in_archive(const Layout& layout, const fs::path& from, Source source,
                              const UploadRecord& upload) {
  std::error_code failed;
  fs::last_write_time(from, file_time_of(*upload.timestamp), failed);
  DD_TRY(sync_stored(from, kArchivedMode));
  DD_TRY(pass_step("accept.synced"));
  const fs::path folder = layout.archive_folder(upload.table);
  DD_TRY(io::make_folders_durably(folder));
  DD_TRY(pass_step("accept.folders_made"));
  const fs::path to = layout.archived_file(upload);
  if (source == Source::stays) {
    DD_TRY(io::link_file(from, to));
  } else {
    DD_TRY(io::rename_file(from, to));
  }
  DD_TRY(pass_step("accept.placed"));
  DD_TRY(io::sync_folder(folder));
  return pass_step("accept.folder_synced");
}

Result<void> write_manifest(const Layout& layout, const UploadRecord& upload) {
  return io::write_file_durably(layout.manifest_file(upload), manifest_text(upload), kArchivedMode);
}

Result<void> make_current(const Layout& layout, const UploadRecord& last) {
  const fs::path to = layout.current_file(last.table);
  DD_TRY(io::make_folders_durably(to.parent_path()));
  DD_TRY(io::clone_file(layout.archived_file(last), to));
  DD_TRY(pass_step("accept.swapped"));
  std::error_code failed;
  fs::last_write_time(to, file_time_of(*last.timestamp), failed);
  if (failed) return io::system_error("set the time of", to, failed.value());
  return success();
}

bool is_current(const Layout& layout, const UploadRecord& last) {
  const fs::path path = layout.current_file(last.table);
  std::error_code failed;
  const auto size = fs::file_size(path, failed);
  if (failed || size != static_cast<std::uintmax_t>(last.bytes)) return false;
  const auto time = fs::last_write_time(path, failed);
  return !failed && time == file_time_of(*last.timestamp);
}

}  // namespace deltadrop::ingest
