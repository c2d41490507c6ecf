#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "csv/file.hpp"
#include "ingest/archive.hpp"
#include "ingest/block_sums.hpp"
#include "ingest/data_dir_watch.hpp"
#include "ingest/ingest.hpp"

namespace deltadrop::ingest {

/// The files of held and accepted uploads, as they are read: none of their bytes is used before it was
/// compared with the SHA-256 that was recorded when the file was received. A file that is missing, or has
/// other bytes, is corrupt, type "archive-damaged", and stays on the list of damages until it is right again.
/// Thread-safe.
class StoredFiles {
 public:
  StoredFiles(Layout layout, DataDirWatch watch) : layout_(std::move(layout)), watch_(std::move(watch)) {}

  [[nodiscard]] const Layout& layout() const { return layout_; }
  /// As DataDirWatch::check.
  [[nodiscard]] Result<void> check_data_dir() const { return watch_.check(); }

  /// Opens a file as its own record says. Limits were checked when it was accepted, so none hold now. Nothing
  /// read from it may be used before `check` has passed it.
  Result<csv::File> open(const UploadRecord& upload);
  /// Hashes all bytes of an open file, about 1.4 GB/s. Call it beside other work on the file.
  Result<void> check(const UploadRecord& upload, const csv::File& file);
  /// The same for the file as it now is under its name.
  Result<void> check(const UploadRecord& upload);
  /// Whether it is there and as long as recorded: costs a stat.
  Result<void> check_size(const UploadRecord& upload);
  /// Whether the workbook that the file was converted from, if it was, is there and as long as recorded.
  Result<void> check_original_size(const UploadRecord& upload) const;
  /// Whether it has the bytes that were received. It is damaged apart from its upload: nothing is read from
  /// it but by who asks for it.
  Result<void> check_original(const UploadRecord& upload) const;
  /// That workbook, of an accepted version, to be read in pieces. Hashes it whole first. not_found
  /// "not-a-workbook" where the client sent CSV.
  [[nodiscard]] Result<std::unique_ptr<ArchivedFile>> open_original(const UploadRecord& upload) const;
  /// The file of an accepted version, to be read in pieces.
  Result<std::unique_ptr<ArchivedFile>> open_archived(const UploadRecord& upload);

  /// `what` is wrong with the file, for a reason that its bytes do not show. Returns the error.
  Error note(const UploadRecord& upload, std::string_view what);
  /// The upload has no file any more, or it is right.
  void forget(const UploadId& upload);
  /// Looks again at damaged files that have changed since; returns those that are right now.
  std::vector<UploadRecord> look_again();
  /// By table and version.
  [[nodiscard]] std::vector<Damage> damages() const;

 private:
  struct Entry {
    UploadRecord upload;
    Damage damage;
    std::optional<io::FileStamp> stamp;  ///< when it was found damaged; none: it was missing
  };
  Result<void> check_bytes(const UploadRecord& upload, std::string_view bytes);
  Error missing_or(const UploadRecord& upload, const Error& error);
  [[nodiscard]] std::optional<io::FileStamp> stamp_of(const UploadRecord& upload) const;

  const Layout layout_;
  const DataDirWatch watch_;
  BlockSums sums_;
  mutable std::mutex mutex_;
  std::map<UploadId, Entry> damaged_;
  std::atomic<std::size_t> damaged_count_ = 0;
};

inline constexpr std::string_view kArchiveDamaged = "archive-damaged";

/// For files that were accepted under the limits of their time.
csv::Limits no_limits();

/// What is wrong with a stored file, and how it is repaired. Names no path but those inside DATA_DIR.
Damage damage_of(const Layout& layout, const UploadRecord& upload, std::string_view what);
Error error_of(const Damage& damage);

/// Fails with corrupt, type "archive-damaged", when a stored file of a held or accepted upload (or the
/// workbook that it was converted from) is not there or does not have the bytes that its record says. For
/// commands; a server uses StoredFiles.
Result<void> check_stored_bytes(const Layout& layout, const UploadRecord& upload);

}  // namespace deltadrop::ingest
