#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "core/event.hpp"
#include "core/observer.hpp"
#include "core/stop.hpp"
#include "csv/options.hpp"
#include "diff/diff.hpp"
#include "eventlog/event_log.hpp"
#include "io/clock.hpp"
#include "io/clock_watch.hpp"

/// The life of an upload: receive, lock, compare, guard, accept, publish; and recovery at start.
/// docs/architecture.md has its steps and what each leaves behind when the process dies there.
namespace deltadrop::ingest {

/// Whether the archive has that upload, held or accepted.
using HasUpload = std::function<Result<bool>(const UploadId& upload)>;
/// Whether the archive may add a version to the table: conflict "table-owned-by-another-archive" where
/// another archive owns it. Asked under the table's lock before anything is compared; must answer within a
/// second or so, and allow what it cannot find out.
using OwnerCheck =
    std::function<Result<void>(const TableRef& table, const ArchiveId& archive, const HasUpload& has_upload)>;

struct Options {
  std::filesystem::path
      data_dir;  ///< DATA_DIR; spool, held, archive, current, index and catalog.db are made in it
  csv::Limits limits;
  std::uint64_t upload_bytes_max = std::uint64_t{1} << 40;  ///< of the expanded bytes
  double expansion_ratio_max = 200;  ///< expanded over received bytes, past the first MiB
  double hold_delete_fraction = 0.5;
  std::int64_t hold_min_rows = 20;
  std::chrono::milliseconds held_ttl{std::chrono::hours{30 * 24}};
  std::chrono::milliseconds dry_run_ttl{std::chrono::hours{24}};
  std::chrono::milliseconds idempotency_ttl{std::chrono::hours{24}};  ///< how long a key's answer is kept
  std::chrono::milliseconds publish_timeout{10'000};
  std::chrono::milliseconds compare_timeout{std::chrono::minutes{10}};  ///< of an upload with its base
  /// A clock that is wrong by more than this stops uploads.
  std::chrono::milliseconds clock_jump_max{std::chrono::hours{24}};
  /// Bytes of DATA_DIR's file system that uploads leave free.
  std::uint64_t disk_reserve = std::uint64_t{64} << 20;
  Observer* observer = nullptr;  ///< outlives the engine
  OwnerCheck owner_check = {};   ///< empty: every table may be written
  std::size_t publishers = 16;   ///< threads; each table is published by one at a time
  /// Uploads that are compared and accepted at once, each of another table. Many wait for one sync of the
  /// catalog.
  std::size_t comparers = 64;
  std::size_t waiting_max = 1024;  ///< uploads that wait for their table or for a comparer
  /// Up to this size a file's bytes go into the catalog when it is accepted, and the file is synced later.
  std::size_t kept_bytes_max = std::size_t{64} << 10;
};

/// Who asks, and how they want to be answered.
struct Caller {
  std::string request_id;  ///< for the log
  /// The same key with the same request is answered as it was the first time, also after a restart; while the
  /// first one runs, its answer is waited for. With another request: invalid_input "idempotency-key-reused".
  /// A request that failed or was refused has changed nothing and leaves its key free.
  std::optional<std::string> idempotency_key;
  /// Callers of different scopes do not share keys: the companies that an API key is limited to, "" without a
  /// limit.
  std::string key_scope;
  /// How long publishing is awaited; unless given, and at the most, Options::publish_timeout.
  std::optional<std::chrono::milliseconds> publish_wait;
  /// Ends what is done for the caller, up to acceptance: then nothing has changed.
  Stop stop = {};
};

/// Files by their SHA-256: those of a list, or any.
struct FileSet {
  bool any = false;
  std::vector<Sha256> sha256s;
};

/// What the table's newest version must be for an upload to go on, checked under the table's lock, after the
/// idempotency key (a retry of what was done is answered as before). Else: conflict "precondition-failed".
struct Precondition {
  std::optional<FileSet> newest_is;      ///< there is a newest version, and its file is one of these
  std::optional<FileSet> newest_is_not;  ///< there is none, or its file is none of these
};

/// What a client may say about an upload. Absent: what the table remembers, else the default.
struct UploadRequest {
  std::string file_name;  ///< the client's; data only
  std::optional<std::string> company_id;
  std::optional<std::string> table_name;
  std::optional<std::string> key;           ///< column names as one CSV record
  std::optional<std::string> ignore;        ///< column names as one CSV record; "" for none
  std::optional<std::string> delimiter;     ///< "auto": found again from this file and the next ones
  std::optional<std::string> encoding;      ///< likewise
  std::optional<std::string> empty;         ///< "null" or "text"
  std::optional<std::string> effective_at;  ///< RFC 3339
  std::optional<std::string> types;         ///< column:type,...; "" for none
  bool dry_run = false;
  bool force = false;
  bool rekey = false;
  Precondition precondition;
  Caller caller;
};

/// To upload an archived version again.
struct RevertRequest {
  TableRef table;
  Version to;
  bool dry_run = false;
  bool force = false;
  Precondition precondition;
  Caller caller;
};

enum class UploadState : std::uint8_t { held, accepted, published, discarded, expired };
std::string_view to_string(UploadState state);

/// When an upload took its first steps. Only the catalog has them: unknown after it was made again.
struct StepTimes {
  std::optional<Timestamp> received;  ///< the file was there as a whole
  std::optional<Timestamp> compared;
};

/// Everything that is known of an upload: a catalog row, and, for an accepted one, the manifest beside its
/// file.
struct UploadRecord {
  UploadId upload_id;
  TableRef table;
  UploadState state = UploadState::accepted;
  std::optional<Version> version;              ///< none while held
  std::optional<UploadId> previous_upload_id;  ///< latest earlier upload of the table that has events
  Sha256 sha256;
  std::int64_t bytes = 0;
  std::string file_id;
  std::string original_name;  ///< sanitised
  std::string archive_name;   ///< relative to archive/<company>/<table>/; "" while held
  Timestamp received_at;      ///< when it was first held or accepted
  /// What a held upload's age counts from, by io::ClockWatch::measured_now. Only the catalog has it.
  std::optional<Timestamp> aged_from;
  std::optional<Timestamp> timestamp;  ///< when the version was accepted
  std::optional<Timestamp> effective_at;
  csv::ReadOptions options;  ///< resolved: how the file is read, for ever
  bool delimiter_given =
      false;  ///< by a client: the table's next file is read with it; else it is found from each
  /// Likewise. A byte order mark beats it in `options`, for that file alone.
  std::optional<csv::Encoding> encoding_given;
  bool rekey = false;
  std::optional<std::string> types_json;
  std::vector<std::string> columns;  ///< all columns of the header
  std::vector<std::string> tracked;  ///< columns that are in events, in the file's order
  std::string key_column;
  diff::Counts counts;
  std::vector<diff::SchemaChange> schema_changes;
  std::vector<std::string> hold_reasons;  ///< why it is or was held
  std::vector<std::string> warnings;
  bool dry_run = false;
  std::optional<Version> based_on;  ///< of a held upload: the version it was compared with
  std::optional<Timestamp> published_at;
  std::optional<Version> reverts_to;    ///< of which version this is the file again
  std::optional<ArchiveId> archive_id;  ///< that accepted it; none of one that an older Deltadrop accepted
  StepTimes steps;
};

enum class UploadStatus : std::uint8_t { published, accepted, held, unchanged };
std::string_view to_string(UploadStatus status);

struct UploadReport {
  UploadStatus status = UploadStatus::accepted;
  UploadRecord upload;  ///< of the last version where unchanged
  /// Up to 5 events as JSON objects: of a held upload, so that a person can judge it.
  std::vector<std::string> samples_json;
  bool replayed = false;  ///< the answer of an earlier request with the same idempotency key
};

/// A report, or what is wrong with the file (then nothing has changed).
using SubmitOutcome = std::variant<UploadReport, csv::Findings>;

/// A file on its way into the spool. Destroying one that was not submitted removes it.
class Reception {
 public:
  virtual ~Reception() = default;
  /// The next bytes as received; gzip and zstd (told by their first bytes) are expanded on the way. Errors:
  /// invalid_input "too-large", "bad-compression"; unavailable "disk-full". Not to be called after a failure.
  virtual Result<void> write(std::span<const std::byte> bytes) = 0;
};

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

/// What to publish again: everything, a table, or a table from a version on.
struct RepublishRequest {
  std::optional<TableRef> table;
  Version from{1};
};

struct RepublishReport {
  std::int64_t tables = 0;
  std::int64_t uploads = 0;  ///< that are sent again
};

/// Tables that got a version, each once.
struct Acceptances {
  std::vector<TableRef> tables;
  std::uint64_t next = 0;  ///< where to ask on from
};

/// A stored file that is missing, or does not have the bytes that were received.
struct Damage {
  TableRef table;
  std::optional<Version> version;  ///< none: a held upload
  UploadId upload_id;
  std::string file;  ///< relative to DATA_DIR
  std::string what;
  std::string fix;
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

struct Health {
  std::int64_t accepted_unpublished = 0;
  std::int64_t held = 0;
  std::optional<Error> log;  ///< why publishing does not get on now
  io::ClockReport clock;
  /// Why DATA_DIR cannot be used: it is gone, or another one is in its place. No upload is taken then.
  std::optional<Error> data_dir;
  std::vector<Damage> damaged;  ///< by table and version; those that are known
};

/// Gets the outcome of what was begun, exactly once, on any thread, maybe before the call that began it
/// returns. Must not wait.
template <class Value>
using Done = std::function<void(Result<Value>)>;

/// The ingestion engine of one DATA_DIR, which the caller has locked. Thread-safe; calls wait for disk.
/// Whatever has to wait for its table, or for the log up to publish_timeout, holds no thread meanwhile: it is
/// given a `Done`, and has a twin of the same name that waits for it. unavailable "too-many-uploads" where
/// too many wait already, of all companies or of this one.
class Ingest {
 public:
  virtual ~Ingest() = default;

  /// Starts to receive a file.
  virtual Result<std::unique_ptr<Reception>> receive() = 0;
  /// Compares a wholly received file, accepts or holds it, and publishes it: docs/architecture.md, "The data
  /// path".
  virtual void submit(std::unique_ptr<Reception> reception, const UploadRequest& request,
                      Done<SubmitOutcome> done) = 0;
  Result<SubmitOutcome> submit(std::unique_ptr<Reception> reception, const UploadRequest& request);
  /// Accepts a held upload as it was shown. not_found; conflict "table-moved-on", "not-held".
  virtual void release(const UploadId& upload, const Caller& caller, Done<UploadReport> done) = 0;
  Result<UploadReport> release(const UploadId& upload, const Caller& caller = {});
  /// Takes the archived file of a version through the same steps as an upload, read as its manifest says.
  /// What the table remembers becomes what that version's upload left. not_found "no-such-table",
  /// "no-such-version". Copies the file before it returns.
  virtual void revert(const RevertRequest& request, Done<SubmitOutcome> done) = 0;
  Result<SubmitOutcome> revert(const RevertRequest& request);
  virtual void discard(const UploadId& upload, Done<void> done) = 0;
  Result<void> discard(const UploadId& upload);

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

  /// Marks published versions unpublished; they are sent again, in version order, under the same event ids.
  /// not_found "no-such-table", "no-such-version".
  virtual Result<RepublishReport> republish(const RepublishRequest& request) = 0;

  /// Waits until the upload is published, or the deadline; true when it is.
  virtual bool wait_published(const UploadId& upload, std::chrono::steady_clock::time_point deadline) = 0;
  virtual Health health() = 0;
  /// The operator agrees that the clock is right as it is; kept for the next runs.
  virtual Result<io::ClockReport> accept_clock() = 0;
  /// What the clock would show if it had not jumped.
  virtual Timestamp expected_now() = 0;
  /// The id of this archive, which its copies share.
  [[nodiscard]] virtual ArchiveId archive_id() const = 0;
  /// Finishes what is under way, stops the publishers. The log should be interrupted first.
  virtual void stop() = 0;
};

/// One accepted version. not_found "no-such-table", "no-such-version".
Result<UploadRecord> version_of(Ingest& ingest, const TableRef& table, Version version);

/// Recovers the folder (design 4.8), then starts to publish what is accepted and unpublished. conflict
/// "catalog-behind" names `deltadrop rebuild catalog` when a manifest has no row.
Result<std::unique_ptr<Ingest>> open(const Options& options, eventlog::EventLog& log, io::Clock& clock);

/// Ingest::republish for a folder that no server runs on: marks only, the next start sends. The report counts
/// all that it will send of what is asked for, marked now or before.
Result<RepublishReport> mark_for_republish(const Options& options, const RepublishRequest& request);

/// Ingest::accept_clock for a folder that no server runs on.
Result<io::ClockReport> accept_clock(const Options& options, io::Clock& clock);
/// How the clock looks to a start on a folder that no server runs on.
Result<io::ClockReport> look_at_clock(const Options& options, io::Clock& clock);

struct RebuildReport {
  std::int64_t tables = 0;
  std::int64_t uploads = 0;
  std::int64_t held = 0;               ///< taken over from the old catalog
  std::int64_t manifests_written = 0;  ///< of versions that only the old catalog knew
  std::optional<Error> old_catalog;    ///< why nothing could be taken from the one that was there
  /// Files that neither a manifest nor the old catalog knows, moved to DATA_DIR/lost+found: a version whose
  /// manifest was never written, a held upload, or one that was never accepted. Nothing can tell which.
  std::vector<std::filesystem::path> unclaimed;
};

/// Makes a new catalog from the manifests of the archive, replacing the old one at the end. Where the old one
/// can be read, versions without a manifest get it from there first, and held uploads are taken over; without
/// it the archive is enough. Every version is marked unpublished, so that the next start publishes it again
/// under the same ids. corrupt "broken-chain", "archive-damaged": nothing is replaced.
Result<RebuildReport> rebuild_catalog(const Options& options, io::Clock& clock);

}  // namespace deltadrop::ingest
