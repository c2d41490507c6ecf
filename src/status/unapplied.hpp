#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "history/history_reader.hpp"
#include "ingest/ingest.hpp"
#include "io/clock.hpp"

namespace deltadrop::status {

/// Accepted versions that are not applied, whether or not the history knows them.
struct Unapplied {
  std::int64_t versions = 0;
  std::vector<std::string> troubles;  ///< versions that were published too long ago, each with its fix
  std::int64_t late_recorded = 0;     ///< recorded events of some of these versions
};

/// Finds the unapplied versions. The cost depends on the number of changes, not of tables: the watch
/// remembers the waiting tables, learns of new versions from `uploads`, and queries the history for the
/// waiting tables only after something was applied. The first call, a call after `forget`, and a call after
/// the history has gone back check all tables. Each call also checks a few further tables, to find losses
/// that the counters do not show. Thread-safe. The constructor's arguments outlive this object.
class UnappliedWatch {
 public:
  UnappliedWatch(ingest::ArchiveReader& uploads, history::HistoryReader& history, io::Clock& clock)
      : uploads_(uploads), history_(history), clock_(clock) {}

  /// Returns the unapplied versions. Counts `blocked` uploads but adds no trouble for them, because they have
  /// their own. If a source fails, returns its error and checks everything at the next call.
  Result<Unapplied> look(const std::vector<history::UploadStatus>& blocked);
  /// Makes the next call check everything. Call this if the history does not answer, because it may be
  /// another one afterwards.
  void forget();

 private:
  /// A table whose last version is not applied. Versions are applied in order, so binary search finds the
  /// first unapplied one.
  struct Waiting {
    ingest::UploadRecord last;
    ingest::UploadRecord first;  ///< an unapplied version; the first one if found()
    std::int64_t applied = 0;
    std::optional<UploadId> looked_up;  ///< the `first` of the last call of find_late

    [[nodiscard]] bool found() const { return first.version->value - applied <= 1; }
    [[nodiscard]] Version middle() const { return Version(applied + (first.version->value - applied) / 2); }
  };

  Result<void> update();
  Result<std::vector<ingest::UploadRecord>> last_versions_to_ask(bool all);
  Result<void> add_patrol(std::vector<ingest::UploadRecord>& lasts);
  Result<void> sort_out(std::vector<ingest::UploadRecord> lasts, bool moved);
  Result<void> find_first(const std::vector<Waiting*>& tables);
  Result<std::vector<bool>> are_applied(const std::vector<const ingest::UploadRecord*>& versions);
  Result<void> find_late(Timestamp now);
  Result<void> count_late();

  ingest::ArchiveReader& uploads_;
  history::HistoryReader& history_;
  io::Clock& clock_;
  std::mutex mutex_;  ///< protects all members below
  bool complete_ = false;
  std::uint64_t seen_accepted_ = 0;
  AppliedNo seen_applied_{0};
  std::map<TableRef, Waiting> waiting_;
  std::optional<TableRef> patrolled_;
  std::vector<ingest::UploadRecord> late_;  ///< first versions, published too long ago
  std::int64_t late_recorded_ = 0;
  std::optional<Timestamp> late_at_;
};

}  // namespace deltadrop::status
