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

/// Accepted versions that are not applied, whether the history knows of them or not.
struct Unapplied {
  std::int64_t versions = 0;
  std::vector<std::string> troubles;  ///< published for longer than an upload should wait
  std::int64_t late_recorded = 0;     ///< events of some of those that are recorded
};

/// Finds them at a cost that depends on what has changed, not on how many tables there are: it remembers the
/// tables that wait, hears of new versions from `uploads`, and asks the history about the tables that wait
/// when something was applied. Everything is looked at when it is asked first, after `forget`, and when the
/// history has gone back; and a few tables with each look, for what no number tells. Thread-safe; what it
/// asks outlives it.
class UnappliedWatch {
 public:
  UnappliedWatch(ingest::ArchiveReader& uploads, history::HistoryReader& history, io::Clock& clock)
      : uploads_(uploads), history_(history), clock_(clock) {}

  /// What is `blocked` is counted, but has a trouble and a repair of its own. Fails as its two sources do,
  /// and forgets.
  Result<Unapplied> look(const std::vector<history::UploadStatus>& blocked);
  /// The history did not answer: it may be another one when it does.
  void forget();

 private:
  /// A table whose last version is not applied. Its versions are applied in order: the first that is not is
  /// found by halving.
  struct Waiting {
    ingest::UploadRecord last;
    ingest::UploadRecord first;  ///< not applied; the first one once nothing is between `applied` and it
    std::int64_t applied = 0;
    std::optional<UploadId> looked_up;  ///< what `first` was when find_late last asked for it

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
  std::mutex mutex_;  ///< of all below
  bool complete_ = false;
  std::uint64_t seen_accepted_ = 0;
  AppliedNo seen_applied_{0};
  std::map<TableRef, Waiting> waiting_;
  std::optional<TableRef> patrolled_;
  std::vector<ingest::UploadRecord> late_;  ///< first of their tables, published for too long
  std::int64_t late_recorded_ = 0;
  std::optional<Timestamp> late_at_;
};

}  // namespace deltadrop::status
