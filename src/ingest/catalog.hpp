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

/// Every upload that was held or accepted, in DATA_DIR/catalog.db. A row has the columns that are searched or
/// that change, and the rest of the record as the JSON that is also the manifest's. Thread-safe: calls
/// that write at the same time share a durable transaction; reads have a connection of their own and do not
/// wait for one.
class Catalog {
 public:
  static Result<std::unique_ptr<Catalog>> open(const std::filesystem::path& path);

  /// Which archive it is the catalog of; none before that was first stored.
  Result<std::optional<ArchiveId>> archive_id();
  Result<void> store_archive_id(const ArchiveId& id);

  /// conflict "name-differs-in-case" when a company or table is known by another spelling.
  Result<void> check_spelling(const TableRef& table);
  Result<std::optional<UploadRecord>> find(const UploadId& upload);
  /// not_found "no-such-upload".
  Result<UploadRecord> known(const UploadId& upload);
  /// not_found "no-such-table".
  Result<void> check_table(const TableRef& table);
  /// not_found "no-such-table", "no-such-version".
  Result<UploadRecord> known_version(const TableRef& table, Version version);
  Result<std::optional<UploadRecord>> last_version(const TableRef& table);
  Result<std::optional<UploadRecord>> version(const TableRef& table, Version version);
  /// By version, from `first` on.
  Result<std::vector<UploadRecord>> versions(const TableRef& table, Version first, std::int64_t limit);
  Result<std::vector<UploadRecord>> list(const UploadFilter& filter);
  Result<std::vector<TableRecord>> tables(const TableFilter& filter = {});
  Result<std::optional<TableRecord>> table(const TableRef& table);
  /// By table and version.
  Result<std::vector<UploadRecord>> unpublished();
  Result<std::vector<UploadId>> held();
  /// Held uploads that count their age from before the time for their kind.
  Result<std::vector<UploadRecord>> held_aged_before(Timestamp held, Timestamp dry_runs);
  /// What the last run kept of the clock; none in a new catalog.
  Result<std::optional<io::ClockMark>> clock_mark();
  Result<void> keep_clock_mark(const io::ClockMark& mark);
  Result<CatalogCounts> counts();
  /// ArchiveReader::accepted_since: the tables of which add_version or settle found a new version.
  Acceptances accepted_since(std::uint64_t number);

  /// The answer that was kept for a key at `since` or later.
  Result<std::optional<KeptAnswer>> answer_of(const std::string& key, Timestamp since);
  Result<bool> has_answers_before(Timestamp before);

  /// Each of these three keeps the answer too, in the same commit; where another has taken its key meanwhile,
  /// they fail with invalid_input "idempotency-key-reused".
  Result<void> add_held(const UploadRecord& upload, const std::optional<AnswerToKeep>& answer = std::nullopt);
  /// The point of acceptance: the upload becomes a version of its table, which it makes if it is the first.
  /// An error may hide a success: ask `settle`. `bytes`, where given, are the file's: they are kept until
  /// `forget_bytes`, since the file itself is not synced yet (docs/decisions/0009).
  Result<void> add_version(const UploadRecord& upload, std::optional<std::string_view> bytes = std::nullopt,
                           const std::optional<AnswerToKeep>& answer = std::nullopt);
  Result<void> keep_answer(const AnswerToKeep& answer);
  Result<void> forget_answers_before(Timestamp before);
  /// Uploads whose bytes are kept here.
  Result<std::vector<UploadId>> with_bytes();
  Result<std::optional<std::string>> bytes(const UploadId& upload);
  Result<void> forget_bytes(const std::vector<UploadId>& uploads);
  /// held -> discarded or expired.
  Result<void> end_held(const UploadId& upload, UploadState state);
  Result<void> mark_published(const UploadId& upload, Timestamp at);
  /// published -> accepted, for those versions of the table (or of all tables); they are returned by table
  /// and version. One transaction.
  Result<std::vector<UploadRecord>> mark_unpublished(const RepublishRequest& request);
  /// After a write that failed: makes another durable write, so that nothing of the failed one can come back
  /// after a crash, and gives the upload as it then is.
  Result<std::optional<UploadRecord>> settle(const UploadId& upload);

 private:
  Catalog(sqlite::Database writer, sqlite::Database reader);
  static Result<void> check_spelling_in(sqlite::Database& database, const TableRef& table);
  static Result<void> put(sqlite::Database& database, const UploadRecord& upload);
  Result<void> check_known(const RepublishRequest& request);
  Result<TableRecord> table_record(UploadRecord last);
  void note_version(const TableRef& table);

  sqlite::GroupWriter writer_;
  std::mutex mutex_;  ///< of reader_
  sqlite::Database reader_;
  std::mutex versions_mutex_;  ///< of what follows
  std::uint64_t next_version_ = 0;
  std::map<std::uint64_t, TableRef> tables_by_version_;
  std::map<TableRef, std::uint64_t> version_of_table_;
};

}  // namespace deltadrop::ingest
