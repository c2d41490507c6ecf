#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "eventlog/event_log.hpp"
#include "ingest/archive_reader.hpp"
#include "ingest/intake.hpp"
#include "ingest/options.hpp"
#include "ingest/publications.hpp"
#include "ingest/upload.hpp"
#include "io/clock.hpp"
#include "io/clock_watch.hpp"

/// The steps of an upload: receive, lock, compare, guard, accept, publish; and recovery at start.
/// docs/architecture.md lists the steps and what each leaves on disk if the process dies there.
namespace deltadrop::ingest {

/// A stored file that is missing, or does not have the bytes that were received.
struct Damage {
  TableRef table;
  std::optional<Version> version;  ///< not set for a held upload
  UploadId upload_id;
  std::string file;  ///< relative to DATA_DIR
  std::string what;
  std::string fix;
};

struct Health {
  std::int64_t accepted_unpublished = 0;
  std::int64_t held = 0;
  std::optional<Error> log;  ///< why publishing fails at present
  io::ClockReport clock;
  /// Why DATA_DIR cannot be used: it is missing or replaced. The server accepts no uploads then.
  std::optional<Error> data_dir;
  std::vector<Damage> damaged;  ///< the known ones, by table and version
};

/// The ingestion engine of one DATA_DIR, which the caller has locked. It gives access to the engine's parts,
/// which live as long as the engine. Depend only on the part that you use. Thread-safe.
class Ingest {
 public:
  virtual ~Ingest() = default;

  virtual Intake& intake() = 0;
  virtual ArchiveReader& reader() = 0;
  virtual Publications& publications() = 0;

  virtual Health health() = 0;
  /// Accepts the clock's present time as right because the operator says so, and stores that for later runs.
  virtual Result<io::ClockReport> accept_clock() = 0;
  /// Returns the time that the clock would show if it had not jumped.
  virtual Timestamp expected_now() = 0;
  /// Finishes running work and stops the publishers. Interrupt the log first.
  virtual void stop() = 0;
};

/// Recovers the folder (design 4.8), then starts to publish the versions that are accepted and unpublished.
/// Fails with conflict, type "catalog-behind", if a manifest has no row; the message names `deltadrop rebuild
/// catalog`.
Result<std::unique_ptr<Ingest>> open(const Options& options, eventlog::EventLog& log, io::Clock& clock);

/// Does Publications::republish for a folder that no server uses. It only marks the versions; the next start
/// sends them. The report counts all requested versions that the next start will send, including those marked
/// before.
Result<RepublishReport> mark_for_republish(const Options& options, const RepublishRequest& request);

/// Does Ingest::accept_clock for a folder that no server uses.
Result<io::ClockReport> accept_clock(const Options& options, io::Clock& clock);
/// Reports what a start would find about the clock, for a folder that no server uses.
Result<io::ClockReport> look_at_clock(const Options& options, io::Clock& clock);

struct RebuildReport {
  std::int64_t tables = 0;
  std::int64_t uploads = 0;
  std::int64_t held = 0;               ///< copied from the old catalog
  std::int64_t manifests_written = 0;  ///< for versions that only the old catalog had
  std::optional<Error> old_catalog;    ///< why the existing catalog could not be read
  /// Files that neither a manifest nor the old catalog has, moved to DATA_DIR/lost+found. Each is a version
  /// whose manifest was never written, a held upload, or an upload that was never accepted; they cannot be
  /// told apart.
  std::vector<std::filesystem::path> unclaimed;
};

/// Builds a new catalog from the manifests of the archive, and replaces the old one at the end. If the old
/// one is readable, versions without a manifest get one from it first, and held uploads are copied; otherwise
/// the archive is enough. Marks every version unpublished, so that the next start publishes it again under
/// the same ids. Fails with corrupt, type "broken-chain" or "archive-damaged"; then nothing is replaced.
Result<RebuildReport> rebuild_catalog(const Options& options, io::Clock& clock);

}  // namespace deltadrop::ingest
