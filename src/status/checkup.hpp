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

/// What /health and /metrics report. A value that is not known is absent, never 0 and never "UP".
namespace deltadrop::status {

/// What is examined; all outlive the Examiner. A process that takes no uploads has no `ingest`, one that does
/// not consume no `consumer`.
struct Examined {
  ingest::Ingest* ingest;
  eventlog::EventLog& log;
  history::HistoryReader& history;
  consume::Consumer* consumer;
  io::Clock& clock;
  std::function<std::vector<std::string>()> more_troubles = {};  ///< of the program around this process
  io::ClockWatch* clock_watch = nullptr;                         ///< null: the ingestion engine has one
};

/// One examination.
struct Checkup {
  Timestamp at;
  std::optional<Error> uploads;  ///< why none can be taken
  std::optional<Error> log;
  std::optional<Error> database;
  io::ClockReport clock;
  bool takes_uploads = false;            ///< whether this process is there for that
  std::optional<ingest::Health> ingest;  ///< none while the catalog does not answer
  std::optional<consume::Health> consumer;
  std::optional<history::Summary> summary;
  std::optional<AppliedNo> last_applied;
  std::optional<history::UploadStatus> oldest_not_in_lake;
  std::optional<Unapplied> unapplied;
  /// Accepted and not applied; of a process that only consumes: recorded and not applied.
  std::optional<std::int64_t> pending;
  std::vector<std::string> more_troubles;
  std::vector<std::string> stalled;  ///< what has not moved for a minute, each with its fix
  std::optional<bool> lake_up;       ///< whether applied uploads get into the lake
  std::optional<bool> consumer_up;   ///< whether anything takes events from the log
};

/// Everything that is wrong, in words, each with its fix.
std::vector<std::string> troubles_of(const Checkup& found);

/// Examines one process again and again, at a cost that does not depend on how many tables or callers there
/// are. Disk, log and database are asked on threads of their own, so that a server that is frozen delays an
/// answer by less than a second; then it counts as down. Thread-safe.
class Examiner {
 public:
  explicit Examiner(const Examined& parts);

  Checkup examine();
  /// Whether the process can do what it is there for: take uploads, or else record events.
  Result<void> takes_work();

 private:
  /// What the disk says. Errors as in Checkup.
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
    std::optional<consume::Health> consumer;  ///< asks the history, too
  };
  using LogSeen = std::optional<Error>;
  /// What a process that takes uploads is asked about them.
  struct Uploads {
    UploadsProbe probe;
    UnappliedWatch unapplied;  ///< by the history probe's thread
  };

  UploadsSeen look_at_uploads();
  HistorySeen look_at_history();
  LogSeen look_at_log();
  void look_at_clock(Checkup& found);
  void add_consumer(Checkup& found, std::optional<consume::Health> seen);
  void look_for_standstill(Checkup& found);

  Examined parts_;
  std::unique_ptr<Uploads> uploads_;
  std::mutex mutex_;  ///< of the two below
  Standstill consuming_;
  Standstill lake_;
  // Last: their threads use the others.
  io::Probe<UploadsSeen> uploads_probe_;
  io::Probe<LogSeen> log_probe_;
  io::Probe<HistorySeen> history_probe_;
};

}  // namespace deltadrop::status
