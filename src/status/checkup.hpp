#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "consume/consumer.hpp"
#include "eventlog/event_log.hpp"
#include "history/history_reader.hpp"
#include "ingest/ingest.hpp"
#include "io/clock.hpp"
#include "io/clock_watch.hpp"
#include "io/probe.hpp"
#include "status/standstill.hpp"
#include "status/unapplied.hpp"
#include "status/uploads_probe.hpp"

/// The facts that /health and /metrics report. An unknown value is absent, never 0 or "UP".
namespace deltadrop::status {

/// The examined parts; all outlive the Examiner. `ingest` is null in a process that takes no uploads, and
/// `consumer` in one that does not consume.
struct Examined {
  ingest::Ingest* ingest;
  eventlog::EventLog& log;
  history::HistoryReader& history;
  consume::Consumer* consumer;
  io::Clock& clock;
  std::function<std::vector<std::string>()> more_troubles = {};  ///< of the surrounding program
  io::ClockWatch* clock_watch = nullptr;  ///< null: the ingestion engine watches the clock
};

/// One examination.
struct Checkup {
  Timestamp at;
  std::optional<Error> uploads;  ///< why uploads cannot be accepted
  std::optional<Error> log;
  std::optional<Error> database;
  io::ClockReport clock;
  bool takes_uploads = false;            ///< whether this process accepts uploads
  std::optional<ingest::Health> ingest;  ///< empty while the catalog does not answer
  std::optional<consume::Health> consumer;
  std::optional<history::Summary> summary;
  std::optional<AppliedNo> last_applied;
  std::optional<history::UploadStatus> oldest_not_in_lake;
  std::optional<Unapplied> unapplied;
  /// Uploads that are accepted and not applied; in a process that only consumes, recorded and not applied.
  std::optional<std::int64_t> pending;
  std::vector<std::string> more_troubles;
  std::vector<std::string> stalled;  ///< everything that has made no progress for a minute, each with its fix
  std::optional<bool> lake_up;       ///< whether applied uploads are written to the lake
  std::optional<bool> consumer_up;   ///< whether any consumer reads the log
};

/// Returns a description and fix of each problem.
std::vector<std::string> troubles_of(const Checkup& found);

/// Examines one process repeatedly. The cost does not depend on the number of tables or callers. Separate
/// threads probe the disk, the log and the database, so that a frozen server delays a response by less than a
/// second and counts as down. Thread-safe.
class Examiner {
 public:
  explicit Examiner(const Examined& parts);

  Checkup examine();
  /// Fails unless the process can do its work: accept uploads, or else record events.
  Result<void> takes_work();

 private:
  /// The result of the disk's probe. Errors are as in Checkup.
  struct UploadsSeen {
    std::optional<Error> uploads;
    std::optional<ingest::Health> ingest;
  };
  struct HistorySeen {
    std::optional<Error> database;
    std::optional<history::Summary> summary;
    std::optional<AppliedNo> last_applied;
    std::optional<history::UploadStatus> oldest_not_in_lake;
    std::optional<Unapplied> unapplied;
    std::optional<consume::Health> consumer;  ///< also read from the history
  };
  using LogSeen = std::optional<Error>;
  /// The probes of a process that accepts uploads.
  struct Uploads {
    UploadsProbe probe;
    UnappliedWatch unapplied;  ///< used by the history probe's thread
  };

  UploadsSeen look_at_uploads();
  HistorySeen look_at_history();
  LogSeen look_at_log();
  void look_at_clock(Checkup& found);
  void add_consumer(Checkup& found, std::optional<consume::Health> seen);
  void look_for_standstill(Checkup& found);

  Examined parts_;
  std::unique_ptr<Uploads> uploads_;
  std::mutex mutex_;  ///< protects the next two members
  Standstill consuming_;
  Standstill lake_;
  // Last members: their threads use the others.
  io::Probe<UploadsSeen> uploads_probe_;
  io::Probe<LogSeen> log_probe_;
  io::Probe<HistorySeen> history_probe_;
};

}  // namespace deltadrop::status
