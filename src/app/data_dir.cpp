#include "app/data_dir.hpp"

#include <fmt/format.h>

#include <utility>

#include "io/file.hpp"

namespace deltadrop::app {
namespace {

constexpr auto kKindFile = "kind";

Result<void> write_kind(const std::filesystem::path& folder, std::string_view kind) {
  return io::write_file_durably(folder / kKindFile, fmt::format("{}\n", kind));
}

/// "" where it was never written.
Result<std::string> read_kind(const std::filesystem::path& folder) {
  const auto written = io::read_whole_file(folder / kKindFile);
  if (!written.has_value() && written.error().code == ErrorCode::not_found) return std::string();
  DD_TRY(auto text, written);
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

Result<void> check_kind(const std::filesystem::path& folder, std::string_view kind) {
  DD_TRY(const auto text, read_kind(folder));
  if (text.empty()) return write_kind(folder, kind);
  if (text == kind) return success();
  return Error{ErrorCode::conflict, "other-kind",
               fmt::format("{} is of kind \"{}\", not \"{}\"", folder.string(), text, kind),
               text == kEmbeddedKind
                   ? "run `deltadrop dev` on it, or turn it into one for servers with `deltadrop migrate`"
                   : "run `deltadrop serve` on it, or choose another DATA_DIR"};
}

}  // namespace

Result<DataDir> open_data_dir(const Settings& settings, std::string_view kind) {
  const std::filesystem::path path = settings.text("DATA_DIR");
  DD_TRY(io::make_folders_durably(path));
  DD_TRY(auto lock, io::LockFile::take(path / "lock"));
  DD_TRY(check_kind(path, kind));
  return DataDir{path, std::move(lock)};
}

Result<DataDir> lock_existing_data_dir(const Settings& settings) {
  const std::filesystem::path path = settings.text("DATA_DIR");
  std::error_code ignored;
  if (!std::filesystem::is_directory(path, ignored)) {
    return Error{ErrorCode::not_found, "no-data-dir", fmt::format("DATA_DIR {} is not there", path.string()),
                 "give the folder of the server with --data-dir"};
  }
  DD_TRY(auto lock, io::LockFile::take(path / "lock"));
  return DataDir{path, std::move(lock)};
}

Result<DataDir> open_existing_data_dir(const Settings& settings, std::string_view kind) {
  DD_TRY(auto data_dir, lock_existing_data_dir(settings));
  DD_TRY(check_kind(data_dir.path, kind));
  return data_dir;
}

Result<std::string> kind_of_data_dir(const Settings& settings) {
  return read_kind(settings.text("DATA_DIR"));
}

Result<void> change_kind(const DataDir& data_dir, std::string_view kind) {
  return write_kind(data_dir.path, kind);
}

ingest::Options ingest_options(const Settings& settings) {
  ingest::Options options;
  options.data_dir = settings.text("DATA_DIR");
  options.limits.columns_max = static_cast<std::size_t>(settings.count("MAX_COLUMNS"));
  options.limits.rows_max = settings.count("MAX_ROWS");
  options.limits.event_bytes_max = settings.bytes("MAX_EVENT_BYTES");
  options.limits.field_bytes_max = settings.bytes("MAX_FIELD_BYTES");
  options.limits.row_bytes_max = settings.bytes("MAX_ROW_BYTES");
  options.disk_reserve = settings.bytes("DISK_RESERVE");
  options.upload_bytes_max = settings.bytes("MAX_UPLOAD_BYTES");
  options.expansion_ratio_max = static_cast<double>(settings.count("MAX_EXPANSION"));
  options.hold_delete_fraction = settings.fraction("HOLD_DELETE_FRACTION");
  options.hold_min_rows = settings.count("HOLD_MIN_ROWS");
  options.held_ttl = settings.duration("HELD_TTL");
  options.dry_run_ttl = settings.duration("DRY_RUN_TTL");
  options.idempotency_ttl = settings.duration("IDEMPOTENCY_TTL");
  options.clock_jump_max = settings.duration("CLOCK_JUMP_MAX");
  options.publish_timeout = settings.duration("PUBLISH_TIMEOUT");
  options.compare_timeout = settings.duration("COMPARE_TIMEOUT");
  options.waiting_max = static_cast<std::size_t>(settings.count("MAX_UPLOADS"));
  return options;
}

}  // namespace deltadrop::app
