#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "ingest/idempotency.hpp"
#include "ingest/ingest.hpp"
#include "io/clock_watch.hpp"
#include "sqlite/database.hpp"
#include "sqlite/group_writer.hpp"

namespace deltadrop::ingest {

struct CatalogCounts {
  std::int64_t held = 0;
  std::int64_t accepted_unpublished = 0;
};

/// The catalog of all uploads that were held or accepted, in DATA_DIR/catalog.db. A row has columns for the
/// fields that are searched or that change. The rest of the record is the same JSON as in the manifest.
/// Thread-safe: concurrent writes share a durable transaction. Reads use a separate connection and do not
/// wait for a write.
class Catalog {
 public:
  static Result<std::unique_ptr<Catalog>> open(const std::filesystem::path& path);

  /// Returns the id of the archive; nothing if none was stored yet.
  Result<std::optional<ArchiveId>> archive_id();
  Result<void> store_archive_id(const ArchiveId& id);

  /// Fails with conflict, type "name-differs-in-case", if a company or table is known by another spelling.
  Result<void> check_spelling(const TableRef& table);
  Result<std::optional<UploadRecord>> find(const UploadId& upload);
  /// Returns the upload. Fails with not_found, type "no-such-upload".
  Result<UploadRecord> known(const UploadId& upload);
  /// Fails with not_found, type "no-such-table", if the table is unknown.
  Result<void> check_table(const TableRef& table);
  /// Returns the version. Fails with not_found, type "no-such-table" or "no-such-version".
  Result<UploadRecord> known_version(const TableRef& table, Version version);
  Result<std::optional<UploadRecord>> last_version(const TableRef& table);
  Result<std::optional<UploadRecord>> version(const TableRef& table, Version version);
  /// Lists the accepted uploads of a table by version, starting at `first`.
  Result<std::vector<UploadRecord>> versions(const TableRef& table, Version first, std::int64_t limit);
  Result<std::vector<UploadRecord>> list(const UploadFilter& filter);
  Result<std::vector<TableRecord>> tables(const TableFilter& filter = {});
  Result<std::optional<TableRecord>> table(const TableRef& table);
  /// Lists the accepted uploads that are not published, by table and version.
  Result<std::vector<UploadRecord>> unpublished();
  Result<std::vector<UploadId>> held();
  /// Lists the held uploads that are older than the limit for their kind: `dry_runs` for dry runs, `held` for
  /// others.
  Result<std::vector<UploadRecord>> held_aged_before(Timestamp held, Timestamp dry_runs);
  /// Returns the clock mark of the last run; nothing in a new catalog.
  Result<std::optional<io::ClockMark>> clock_mark();
  Result<void> keep_clock_mark(const io::ClockMark& mark);
  Result<CatalogCounts> counts();
  /// Implements ArchiveReader::accepted_since with the versions that add_version or settle found new.
  Acceptances accepted_since(std::uint64_t number);

  /// Returns the answer that was stored for a key at `since` or later.
  Result<std::optional<KeptAnswer>> answer_of(const std::string& key, Timestamp since);
  Result<bool> has_answers_before(Timestamp before);

  /// The next three functions also store the answer, in the same commit. They fail with invalid_input, type
  /// "idempotency-key-reused", if another request has taken the key meanwhile.
  Result<void> add_held(const UploadRecord& upload, const std::optional<AnswerToKeep>& answer = std::nullopt);
  /// Accepts the upload as a version of its table; the first version creates the table. A failed call may
  /// still have committed: call `settle` to find out. If `bytes` is given, it is the content of the file. The
  /// catalog keeps it until `forget_bytes`, because the file is not synced yet (docs/decisions/0009).
  Result<void> add_version(const UploadRecord& upload, std::optional<std::string_view> bytes = std::nullopt,
                           const std::optional<AnswerToKeep>& answer = std::nullopt);
  Result<void> keep_answer(const AnswerToKeep& answer);
  Result<void> forget_answers_before(Timestamp before);
  /// Lists the uploads whose bytes the catalog keeps.
  Result<std::vector<UploadId>> with_bytes();
  Result<std::optional<std::string>> bytes(const UploadId& upload);
  Result<void> forget_bytes(const std::vector<UploadId>& uploads);
  /// Changes the state from held to discarded or expired.
  Result<void> end_held(const UploadId& upload, UploadState state);
  Result<void> mark_published(const UploadId& upload, Timestamp at);
  /// Changes the state of the request's versions from published to accepted, in one transaction. Returns them
  /// by table and version.
  Result<std::vector<UploadRecord>> mark_unpublished(const RepublishRequest& request);
  /// Call it after a failed write. Makes another durable write, so that the failed one cannot reappear after
  /// a crash, and returns the upload's record as it is then.
  Result<std::optional<UploadRecord>> settle(const UploadId& upload);

 private:
  Catalog(sqlite::Database writer, sqlite::Database reader);
  static Result<void> check_spelling_in(sqlite::Database& database, const TableRef& table);
  static Result<void> put(sqlite::Database& database, const UploadRecord& upload);
  Result<void> check_known(const RepublishRequest& request);
  Result<TableRecord> table_record(UploadRecord last);
  void note_version(const TableRef& table);

  sqlite::GroupWriter writer_;
  std::mutex mutex_;  ///< guards reader_
  sqlite::Database reader_;
  std::mutex versions_mutex_;  ///< guards the members below
  std::uint64_t next_version_ = 0;
  std::map<std::uint64_t, TableRef> tables_by_version_;
  std::map<TableRef, std::uint64_t> version_of_table_;
};

}  // namespace deltadrop::ingest
