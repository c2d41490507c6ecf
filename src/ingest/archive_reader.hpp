#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/event.hpp"
#include "core/stop.hpp"
#include "diff/diff.hpp"
#include "ingest/upload.hpp"

namespace deltadrop::ingest {

struct UploadFilter {
  std::optional<TableRef> table;
  std::optional<UploadState> state;
  std::optional<UploadId> before;  ///< only ids less than this; uploads are listed newest first
  std::int64_t limit = 100;
};

struct TableRecord {
  TableRef table;
  std::string key_column;
  std::int64_t versions = 0;
  UploadRecord last;                    ///< the table's last accepted upload
  std::optional<Timestamp> changed_at;  ///< timestamp of the last version that changed a row
};

struct TableFilter {
  std::optional<TableRef> after;
  std::optional<std::int64_t> limit;  ///< unlimited by default
};

/// The result of comparing two versions of a table.
struct VersionDiff {
  std::optional<UploadRecord> from;  ///< none: the empty table before version 1
  std::optional<UploadRecord> to;
  diff::Counts counts;
  std::vector<diff::SchemaChange> schema_changes;
  bool key_changed = false;  ///< every old row is deleted and every new row inserted
};

/// The tables that have new versions. Each is listed once.
struct Acceptances {
  std::vector<TableRef> tables;
  std::uint64_t next = 0;  ///< pass it to the next call
};

/// The file of an accepted version. Not thread-safe.
class ArchivedFile {
 public:
  virtual ~ArchivedFile() = default;
  [[nodiscard]] virtual std::uint64_t bytes() const = 0;
  /// Returns up to `bytes_max` bytes from `offset`, and at least one before the end of the file. The bytes
  /// are those that were received. Fails with corrupt, type "archive-damaged", if the disk returns others.
  virtual Result<std::string> read(std::uint64_t offset, std::uint64_t bytes_max) = 0;
};

/// Reads the records, files and changes of uploads. Thread-safe. Calls wait for the disk.
class ArchiveReader {
 public:
  virtual ~ArchiveReader() = default;

  virtual Result<std::optional<UploadRecord>> upload(const UploadId& upload) = 0;
  virtual Result<std::vector<UploadRecord>> uploads(const UploadFilter& filter) = 0;
  /// Lists tables, sorted by name.
  virtual Result<std::vector<TableRecord>> tables(const TableFilter& filter = {}) = 0;
  virtual Result<std::optional<TableRecord>> table(const TableRef& table) = 0;
  /// Returns the tables whose last version this process accepted after it returned `number` as a `next`; 0
  /// lists all tables that this process has added a version to.
  virtual Acceptances accepted_since(std::uint64_t number) = 0;
  /// Returns when a held upload expires; nothing for other uploads.
  [[nodiscard]] virtual std::optional<Timestamp> expires_at(const UploadRecord& upload) = 0;
  /// Lists the accepted uploads of a table by version, starting at `first`. Fails with not_found, type
  /// "no-such-table".
  virtual Result<std::vector<UploadRecord>> versions(const TableRef& table, Version first,
                                                     std::int64_t limit) = 0;
  /// Calls `use` with each event (as JSON) of a held or accepted upload, starting at seq `first`, until it
  /// returns false. In the events of a held upload, version, timestamp, previous_upload_id and an
  /// effective_at that was not given are null.
  virtual Result<void> changes(const UploadId& upload, Seq first,
                               const std::function<bool(Seq seq, std::string_view json)>& use,
                               const Stop& stop = {}) = 0;
  /// Compares any two versions of a table. Reads each with the options in its manifest and calls `use` with
  /// each change, starting at seq `first`, until it returns false. Version 0 is the empty table. Fails with
  /// not_found, type "no-such-table" or "no-such-version".
  virtual Result<VersionDiff> diff_versions(const TableRef& table, Version from, Version to, Seq first,
                                            const std::function<bool(const EventView& change)>& use,
                                            const Stop& stop = {}) = 0;
  /// Opens the file of an accepted version. Hashes the whole file unless that was done recently. Fails with
  /// not_found, type "no-such-table" or "no-such-version", or corrupt, type "archive-damaged". The result
  /// must not outlive this reader.
  virtual Result<std::unique_ptr<ArchivedFile>> archived_file(const TableRef& table, Version version) = 0;
  /// Opens the workbook that the version's file was converted from. Fails like archived_file, and with
  /// not_found, type "not-a-workbook", if the client sent CSV.
  virtual Result<std::unique_ptr<ArchivedFile>> archived_original(const TableRef& table, Version version) = 0;
  /// Returns the id of this archive. Copies of the archive have the same id.
  [[nodiscard]] virtual ArchiveId archive_id() const = 0;
};

/// Returns an accepted version. Fails with not_found, type "no-such-table" or "no-such-version".
Result<UploadRecord> version_of(ArchiveReader& reader, const TableRef& table, Version version);

}  // namespace deltadrop::ingest
