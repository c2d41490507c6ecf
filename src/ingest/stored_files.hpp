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

/// Reads the files of held and accepted uploads. No byte is used before it was compared with the SHA-256 that
/// was recorded when the file was received. A file that is missing or has other bytes is corrupt, type
/// "archive-damaged", and stays on the list of damages until it is right again. Thread-safe.
class StoredFiles {
 public:
  StoredFiles(Layout layout, DataDirWatch watch) : layout_(std::move(layout)), watch_(std::move(watch)) {}

  [[nodiscard]] const Layout& layout() const { return layout_; }
  /// Does the same as DataDirWatch::check.
  [[nodiscard]] Result<void> check_data_dir() const { return watch_.check(); }

  /// Opens a file with the options of its own record, without limits, which were checked at acceptance.
  /// Nothing read from it may be used before `check` succeeds.
  Result<csv::File> open(const UploadRecord& upload);
  /// Hashes all bytes of an open file, at about 1.4 GB/s. Call it in parallel with other work on the file.
  Result<void> check(const UploadRecord& upload, const csv::File& file);
  /// Does the same for the file that has the name now.
  Result<void> check(const UploadRecord& upload);
  /// Checks that the file exists and has the recorded size. Costs one stat call.
  Result<void> check_size(const UploadRecord& upload);
  /// Checks that the workbook that the file was converted from, if any, exists and has the recorded size.
  Result<void> check_original_size(const UploadRecord& upload) const;
  /// Checks that the workbook has the bytes that were received. A damaged workbook does not make its upload
  /// damaged: the workbook is read only if a client requests it.
  Result<void> check_original(const UploadRecord& upload) const;
  /// Opens the workbook of an accepted version, to be read in pieces. Hashes the whole file first. Fails with
  /// not_found, type "not-a-workbook", if the client sent CSV.
  [[nodiscard]] Result<std::unique_ptr<ArchivedFile>> open_original(const UploadRecord& upload) const;
  /// Opens the file of an accepted version, to be read in pieces.
  Result<std::unique_ptr<ArchivedFile>> open_archived(const UploadRecord& upload);

  /// Notes the file as damaged for a reason that its bytes do not show. Returns the error.
  Error note(const UploadRecord& upload, std::string_view what);
  /// Removes the upload from the list of damages: its file is right or no longer exists.
  void forget(const UploadId& upload);
  /// Checks damaged files that have changed since. Returns those that are right now.
  std::vector<UploadRecord> look_again();
  /// Lists the damages by table and version.
  [[nodiscard]] std::vector<Damage> damages() const;

 private:
  struct Entry {
    UploadRecord upload;
    Damage damage;
    std::optional<io::FileStamp> stamp;  ///< the stamp when it was found damaged; none: it was missing
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

/// Returns unlimited limits, for files that were accepted under earlier limits.
csv::Limits no_limits();

/// Describes what is wrong with a stored file, and how to repair it. Contains only paths inside DATA_DIR.
Damage damage_of(const Layout& layout, const UploadRecord& upload, std::string_view what);
Error error_of(const Damage& damage);

/// Fails with corrupt, type "archive-damaged", if a stored file of a held or accepted upload, or its
/// workbook, is missing or does not have the recorded bytes. For commands; a server uses StoredFiles.
Result<void> check_stored_bytes(const Layout& layout, const UploadRecord& upload);

}  // namespace deltadrop::ingest
