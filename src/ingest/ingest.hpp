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

/// The life of an upload: receive, lock, compare, guard, accept, publish; and recovery at start.
/// docs/architecture.md has its steps and what each leaves behind when the process dies there.
namespace deltadrop::ingest {

/// A stored file that is missing, or does not have the bytes that were received.
struct Damage {
  TableRef table;
  std::optional<Version> version;  ///< none: a held upload
  UploadId upload_id;
  std::string file;  ///< relative to DATA_DIR
  std::string what;
  std::string fix;
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

/// The ingestion engine of one DATA_DIR, which the caller has locked: its parts, and what concerns all of it.
/// Thread-safe. The parts live as long as it does; take only the part that you use.
class Ingest {
 public:
  virtual ~Ingest() = default;

  virtual Intake& intake() = 0;
  virtual ArchiveReader& reader() = 0;
  virtual Publications& publications() = 0;

  virtual Health health() = 0;
  /// The operator agrees that the clock is right as it is; kept for the next runs.
  virtual Result<io::ClockReport> accept_clock() = 0;
  /// What the clock would show if it had not jumped.
  virtual Timestamp expected_now() = 0;
  /// Finishes what is under way, stops the publishers. The log should be interrupted first.
  virtual void stop() = 0;
};

/// Recovers the folder (design 4.8), then starts to publish what is accepted and unpublished. conflict
/// "catalog-behind" names `deltadrop rebuild catalog` when a manifest has no row.
Result<std::unique_ptr<Ingest>> open(const Options& options, eventlog::EventLog& log, io::Clock& clock);

/// Publications::republish for a folder that no server runs on: marks only, the next start sends. The report
/// counts all that it will send of what is asked for, marked now or before.
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
