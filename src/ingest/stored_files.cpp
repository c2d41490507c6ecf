#include "ingest/stored_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <tuple>
#include <utility>

#include "io/mapped_file.hpp"
#include "io/sha256.hpp"

namespace deltadrop::ingest {
namespace {

constexpr std::string_view kOtherBytes = "its bytes are not those that were received: its SHA-256 differs";
constexpr std::string_view kMissing = "it is missing";
constexpr std::string_view kCutOff = "it was cut off while it was read";

/// The recorded hash and size of a file.
struct Recorded {
  Sha256 sha256;
  std::int64_t bytes = 0;
};
Recorded recorded(const UploadRecord& upload) { return {upload.file.sha256, upload.file.bytes}; }
Recorded recorded(const UploadSource& source) { return {source.sha256, source.bytes}; }

std::string other_size(std::int64_t bytes, const Recorded& expected) {
  return fmt::format("it has {} bytes instead of {}", bytes, expected.bytes);
}

/// Returns the problem with the bytes, or "" if they are right.
std::string fault_of(const Recorded& expected, std::string_view bytes) {
  if (std::ssize(bytes) != expected.bytes) return other_size(std::ssize(bytes), expected);
  if (io::sha256_of(bytes) != expected.sha256) return std::string(kOtherBytes);
  return "";
}

/// Returns the problem with the file `path`, or "" if it is right.
Result<std::string> fault_of_file(const Recorded& expected, const fs::path& path) {
  const auto file = io::MappedFile::open(path);
  if (!file.has_value()) {
    if (file.error().code == ErrorCode::not_found) return std::string(kMissing);
    return file.error();
  }
  auto fault = fault_of(expected, file.value().bytes());
  if (fault.empty()) {
    DD_TRY(file.value().check_unchanged());
  }
  return fault;
}

/// Reads a file of any size once. Returns the sums of its blocks, which are valid if the SHA-256 is right.
Result<Sums> sums_of(io::File& file, const Recorded& expected, std::string& fault) {
  Sums sums;
  io::Sha256Hasher hasher;
  std::string block(kBlockBytes, '\0');
  std::int64_t bytes = 0;
  while (true) {
    std::size_t filled = 0;
    while (filled < kBlockBytes) {
      DD_TRY(const auto count, file.read(std::as_writable_bytes(std::span(block).subspan(filled))));
      if (count == 0) break;
      filled += count;
    }
    const std::string_view read(block.data(), filled);
    hasher.update(std::as_bytes(std::span(read)));
    bytes += std::ssize(read);
    if (filled > 0) sums.push_back(sum_of_block(read));
    if (filled < kBlockBytes) break;
  }
  if (bytes != expected.bytes) {
    fault = other_size(bytes, expected);
  } else if (hasher.finish() != expected.sha256) {
    fault = kOtherBytes;
  }
  return sums;
}

/// Reads whole blocks, so that each is checked before any part of it is returned.
class CheckedFile final : public ArchivedFile {
 public:
  /// Converts a problem with the file to an error.
  using Note = std::function<Error(std::string_view what)>;
  CheckedFile(std::int64_t bytes, io::File file, std::shared_ptr<const Sums> sums, Note note)
      : bytes_(static_cast<std::uint64_t>(bytes)),
        file_(std::move(file)),
        sums_(std::move(sums)),
        note_(std::move(note)) {}

  [[nodiscard]] std::uint64_t bytes() const override { return bytes_; }

  Result<std::string> read(std::uint64_t offset, std::uint64_t bytes_max) override {
    if (offset >= bytes() || bytes_max == 0) return std::string();
    const std::uint64_t number = offset / kBlockBytes;
    const std::uint64_t begin = number * kBlockBytes;
    std::string block(std::min<std::uint64_t>(kBlockBytes, bytes() - begin), '\0');
    DD_TRY(file_.seek(begin));
    std::size_t filled = 0;
    while (filled < block.size()) {
      DD_TRY(const auto count, file_.read(std::as_writable_bytes(std::span(block).subspan(filled))));
      if (count == 0) break;
      filled += count;
    }
    if (filled < block.size()) return note_(kCutOff);
    if (sum_of_block(block) != (*sums_)[number]) return note_(kOtherBytes);
    const auto wanted = std::min<std::uint64_t>(bytes_max, begin + block.size() - offset);
    if (offset == begin && wanted == block.size()) return block;
    return block.substr(offset - begin, wanted);
  }

 private:
  std::uint64_t bytes_;
  io::File file_;
  std::shared_ptr<const Sums> sums_;
  Note note_;
};

std::string noun_of(const UploadRecord& upload) {
  if (upload.version) return fmt::format("version {} of {}", upload.version->value, upload.table.to_string());
  return fmt::format("held upload {} of {}", upload.upload_id.to_string(), upload.table.to_string());
}

}  // namespace

csv::Limits no_limits() {
  csv::Limits limits;
  limits.columns_max = std::numeric_limits<std::uint32_t>::max();
  limits.rows_max = std::numeric_limits<std::int64_t>::max();
  limits.key_bytes_max = std::numeric_limits<std::uint32_t>::max();
  limits.field_bytes_max = std::numeric_limits<std::uint32_t>::max();
  limits.row_bytes_max = std::numeric_limits<std::uint32_t>::max();
  limits.event_bytes_max = std::numeric_limits<std::uint32_t>::max();
  return limits;
}

namespace {

Error damaged_original(const Layout& layout, const UploadRecord& upload, std::string_view what) {
  const auto file = layout.stored_original(upload).lexically_relative(layout.root).string();
  return {ErrorCode::corrupt, std::string(kArchiveDamaged),
          fmt::format("{}, the workbook of {}, is damaged: {}", file, noun_of(upload), what),
          fmt::format("put {} back into DATA_DIR from a backup; its SHA-256 is {}", file,
                      upload.file.source->sha256.to_hex())};
}

Result<void> check_original_bytes(const Layout& layout, const UploadRecord& upload) {
  if (!upload.file.source) return success();
  DD_TRY(const auto fault, fault_of_file(recorded(*upload.file.source), layout.stored_original(upload)));
  return fault.empty() ? success() : Result<void>(damaged_original(layout, upload, fault));
}

}  // namespace

Damage damage_of(const Layout& layout, const UploadRecord& upload, std::string_view what) {
  Damage damage;
  damage.table = upload.table;
  damage.version = upload.version;
  damage.upload_id = upload.upload_id;
  damage.file = layout.stored_file(upload).lexically_relative(layout.root).string();
  damage.what = fmt::format("{}, the file of {}, is damaged: {}", damage.file, noun_of(upload), what);
  if (upload.version) {
    damage.fix = fmt::format("put {} back into DATA_DIR from a backup; its SHA-256 is {}", damage.file,
                             upload.file.sha256.to_hex());
  } else {
    damage.fix = fmt::format(
        "discard the upload and send the file again, or put {} back into DATA_DIR from a backup; its "
        "SHA-256 is {}",
        damage.file, upload.file.sha256.to_hex());
  }
  return damage;
}

Error error_of(const Damage& damage) {
  return {ErrorCode::corrupt, std::string(kArchiveDamaged), damage.what, damage.fix};
}

Result<void> check_stored_bytes(const Layout& layout, const UploadRecord& upload) {
  DD_TRY(const auto fault, fault_of_file(recorded(upload), layout.stored_file(upload)));
  if (!fault.empty()) return error_of(damage_of(layout, upload, fault));
  return check_original_bytes(layout, upload);
}

Result<csv::File> StoredFiles::open(const UploadRecord& upload) {
  auto file =
      csv::File::open(layout_.stored_file(upload), upload.reading.options, no_limits(), layout_.spool());
  if (!file.has_value()) return missing_or(upload, file.error());
  return file;
}

Result<void> StoredFiles::check(const UploadRecord& upload, const csv::File& file) {
  return check_bytes(upload, file.source_bytes());
}

Result<void> StoredFiles::check(const UploadRecord& upload) {
  const auto file = io::MappedFile::open(layout_.stored_file(upload));
  if (!file.has_value()) return missing_or(upload, file.error());
  return check_bytes(upload, file.value().bytes());
}

Result<void> StoredFiles::check_bytes(const UploadRecord& upload, std::string_view bytes) {
  const std::string fault = fault_of(recorded(upload), bytes);
  if (!fault.empty()) return note(upload, fault);
  forget(upload.upload_id);
  return success();
}

Result<void> StoredFiles::check_size(const UploadRecord& upload) {
  const auto stamp = io::stamp_of(layout_.stored_file(upload));
  if (!stamp.has_value()) return missing_or(upload, stamp.error());
  if (stamp.value().bytes != upload.file.bytes) {
    return note(upload, other_size(stamp.value().bytes, recorded(upload)));
  }
  return success();
}

Result<void> StoredFiles::check_original_size(const UploadRecord& upload) const {
  if (!upload.file.source) return success();
  const auto stamp = io::stamp_of(layout_.stored_original(upload));
  if (!stamp.has_value()) return damaged_original(layout_, upload, kMissing);
  const auto expected = recorded(*upload.file.source);
  if (stamp.value().bytes == expected.bytes) return success();
  return damaged_original(layout_, upload, other_size(stamp.value().bytes, expected));
}

Result<void> StoredFiles::check_original(const UploadRecord& upload) const {
  return check_original_bytes(layout_, upload);
}

Result<std::unique_ptr<ArchivedFile>> StoredFiles::open_original(const UploadRecord& upload) const {
  if (!upload.file.source) {
    return Error{ErrorCode::not_found, "not-a-workbook",
                 fmt::format("{} was sent as CSV, not as a workbook", noun_of(upload)),
                 "leave original out to get the CSV"};
  }
  auto opened = io::File::open_to_read(layout_.stored_original(upload));
  if (!opened.has_value()) {
    if (opened.error().code != ErrorCode::not_found) return opened.error();
    return damaged_original(layout_, upload, kMissing);
  }
  io::File file = std::move(opened).value();
  std::string fault;
  DD_TRY(auto sums, sums_of(file, recorded(*upload.file.source), fault));
  if (!fault.empty()) return damaged_original(layout_, upload, fault);
  const auto note = [layout = layout_, upload](std::string_view what) {
    return damaged_original(layout, upload, what);
  };
  return std::unique_ptr<ArchivedFile>(std::make_unique<CheckedFile>(
      upload.file.source->bytes, std::move(file), std::make_shared<const Sums>(std::move(sums)), note));
}

Result<std::unique_ptr<ArchivedFile>> StoredFiles::open_archived(const UploadRecord& upload) {
  auto opened = io::File::open_to_read(layout_.stored_file(upload));
  if (!opened.has_value()) return missing_or(upload, opened.error());
  io::File file = std::move(opened).value();
  auto sums = sums_.get(upload.upload_id, [&]() -> Result<Sums> {
    std::string fault;
    DD_TRY(auto made, sums_of(file, recorded(upload), fault));
    if (!fault.empty()) return note(upload, fault);
    return made;
  });
  if (!sums.has_value()) {
    sums_.forget(upload.upload_id);
    return sums.error();
  }
  DD_TRY(const auto size, file.size());
  if (static_cast<std::int64_t>(size) != upload.file.bytes) {
    return note(upload, other_size(static_cast<std::int64_t>(size), recorded(upload)));
  }
  return std::unique_ptr<ArchivedFile>(
      std::make_unique<CheckedFile>(upload.file.bytes, std::move(file), std::move(sums).value(),
                                    [this, upload](std::string_view what) { return note(upload, what); }));
}

Error StoredFiles::missing_or(const UploadRecord& upload, const Error& error) {
  return error.code == ErrorCode::not_found ? note(upload, kMissing) : error;
}

Error StoredFiles::note(const UploadRecord& upload, std::string_view what) {
  // In another DATA_DIR the file is not damaged, only missing.
  const auto right_place = check_data_dir();
  if (!right_place.has_value()) return right_place.error();
  sums_.forget(upload.upload_id);
  Damage damage = damage_of(layout_, upload, what);
  Error error = error_of(damage);
  const auto stamp = stamp_of(upload);
  const std::lock_guard lock(mutex_);
  damaged_.insert_or_assign(upload.upload_id, Entry{upload, std::move(damage), stamp});
  damaged_count_ = damaged_.size();
  return error;
}

std::optional<io::FileStamp> StoredFiles::stamp_of(const UploadRecord& upload) const {
  const auto stamp = io::stamp_of(layout_.stored_file(upload));
  return stamp.has_value() ? std::optional(stamp.value()) : std::nullopt;
}

void StoredFiles::forget(const UploadId& upload) {
  if (damaged_count_ == 0) return;
  const std::lock_guard lock(mutex_);
  damaged_.erase(upload);
  damaged_count_ = damaged_.size();
}

std::vector<UploadRecord> StoredFiles::look_again() {
  std::vector<Entry> known;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, entry] : damaged_) known.push_back(entry);
  }
  std::vector<UploadRecord> repaired;
  for (auto& entry : known) {
    const auto stamp = stamp_of(entry.upload);
    if (!stamp || stamp == entry.stamp) continue;
    if (check(entry.upload).has_value()) repaired.push_back(std::move(entry.upload));
  }
  return repaired;
}

std::vector<Damage> StoredFiles::damages() const {
  std::vector<Damage> damages;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, entry] : damaged_) damages.push_back(entry.damage);
  }
  std::sort(damages.begin(), damages.end(), [](const Damage& a, const Damage& b) {
    return std::tie(a.table, a.version, a.upload_id) < std::tie(b.table, b.version, b.upload_id);
  });
  return damages;
}

}  // namespace deltadrop::ingest
