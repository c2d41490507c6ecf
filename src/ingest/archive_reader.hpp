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
  std::optional<UploadId> before;  ///< newest first; only ids less than this
  std::int64_t limit = 100;
};

struct TableRecord {
  TableRef table;
  std::string key_column;
  std::int64_t versions = 0;
  UploadRecord last;                    ///< its last accepted upload
  std::optional<Timestamp> changed_at;  ///< timestamp of the last version that changed a row
};

struct TableFilter {
  std::optional<TableRef> after;
  std::optional<std::int64_t> limit;  ///< none: all
};

/// Two versions of a table side by side.
struct VersionDiff {
  std::optional<UploadRecord> from;  ///< none: the empty table before version 1
  std::optional<UploadRecord> to;
  diff::Counts counts;
  std::vector<diff::SchemaChange> schema_changes;
  bool key_changed = false;  ///< every row of the one is deleted and every row of the other inserted
};

/// Tables that got a version, each once.
struct Acceptances {
  std::vector<TableRef> tables;
  std::uint64_t next = 0;  ///< where to ask on from
};

/// The file of an accepted version. Not thread-safe.
class ArchivedFile {
 public:
  virtual ~ArchivedFile() = default;
  [[nodiscard]] virtual std::uint64_t bytes() const = 0;
  /// Up to `bytes_max` bytes from `offset` on; at least one unless that is the end. They are those that were
  /// received: corrupt "archive-damaged" where the disk gives others.
  virtual Result<std::string> read(std::uint64_t offset, std::uint64_t bytes_max) = 0;
};

/// Reads what was uploaded: records, files and changes. Thread-safe; calls wait for disk.
class ArchiveReader {
 public:
  virtual ~ArchiveReader() = default;

  virtual Result<std::optional<UploadRecord>> upload(const UploadId& upload) = 0;
  virtual Result<std::vector<UploadRecord>> uploads(const UploadFilter& filter) = 0;
  /// By name.
  virtual Result<std::vector<TableRecord>> tables(const TableFilter& filter = {}) = 0;
  virtual Result<std::optional<TableRecord>> table(const TableRef& table) = 0;
  /// Those of this process's life whose last version was accepted since a `next` was given out; 0: all.
  virtual Acceptances accepted_since(std::uint64_t number) = 0;
  /// When a held upload expires; nothing of others.
  [[nodiscard]] virtual std::optional<Timestamp> expires_at(const UploadRecord& upload) = 0;
  /// Accepted uploads of a table by version, from `first` on. An unknown table is not_found "no-such-table".
  virtual Result<std::vector<UploadRecord>> versions(const TableRef& table, Version first,
                                                     std::int64_t limit) = 0;
  /// Calls `use` with each event (as JSON) of an upload that is held or accepted, from seq `first` on, until
  /// it returns false. Of a held one, version, timestamp, effective_at (unless given) and previous_upload_id
  /// are null.
  virtual Result<void> changes(const UploadId& upload, Seq first,
                               const std::function<bool(Seq seq, std::string_view json)>& use,
                               const Stop& stop = {}) = 0;
  /// Compares any two versions of a table, each read as its manifest says, and calls `use` with each change
  /// from the one with seq `first` on until it returns false. Version 0 is the empty table. not_found
  /// "no-such-table", "no-such-version".
  virtual Result<VersionDiff> diff_versions(const TableRef& table, Version from, Version to, Seq first,
                                            const std::function<bool(const EventView& change)>& use,
                                            const Stop& stop = {}) = 0;
  /// Opens the file of an accepted version, which is hashed whole unless that was done lately. not_found
  /// "no-such-table", "no-such-version"; corrupt "archive-damaged". The result must not outlive this.
  virtual Result<std::unique_ptr<ArchivedFile>> archived_file(const TableRef& table, Version version) = 0;
  /// The same for the workbook that the version's file was converted from. not_found "not-a-workbook" where
  /// the client sent CSV.
  virtual Result<std::unique_ptr<ArchivedFile>> archived_original(const TableRef& table, Version version) = 0;
  /// The id of this archive, which its copies share.
  [[nodiscard]] virtual ArchiveId archive_id() const = 0;
};

/// One accepted version. not_found "no-such-table", "no-such-version".
Result<UploadRecord> version_of(ArchiveReader& reader, const TableRef& table, Version version);

}  // namespace deltadrop::ingest
