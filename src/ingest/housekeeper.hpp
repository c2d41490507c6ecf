#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "ingest/archive.hpp"
#include "ingest/catalog.hpp"
#include "ingest/publisher.hpp"
#include "ingest/reading_cache.hpp"
#include "ingest/stored_files.hpp"
#include "ingest/table_turns.hpp"

namespace deltadrop::ingest {

/// Finishes acceptances that a disk failure interrupted, and retries every second until it succeeds. The same
/// thread expires held uploads, stored answers and cached readings. Work on a table runs in the table's turn,
/// and nothing else waits for it. Thread-safe.
class Housekeeper {
 public:
  Housekeeper(StoredFiles& files, Catalog& catalog, Publisher& publisher, TableTurns& turns,
              ReadingCache& readings, io::ClockWatch& clock, const Options& options);
  Housekeeper(const Housekeeper&) = delete;
  Housekeeper& operator=(const Housekeeper&) = delete;
  ~Housekeeper() { stop(); }

  void start();
  void stop();

  /// Schedules a retry: the accepted upload's manifest could not be written.
  void owe_manifest(const UploadRecord& upload);
  /// Schedules a retry: the table's last version could not be made current.
  void owe_current(const TableRef& table);
  /// Schedules a retry: this file belongs to no upload and could not be removed.
  void owe_removal(const fs::path& path);
  /// Schedules a retry: this version's commit failed and its outcome is unknown, or its file could not be
  /// removed.
  void owe_settlement(const UploadRecord& upload);

  /// Schedules a sync: the accepted upload's current file is written but not synced. A small upload's
  /// archived file and manifest are not synced either, and the catalog keeps its bytes.
  void owe_sync(const UploadRecord& upload);

  /// Makes all files of owe_sync durable by one sync, marks the current ones, and has the catalog forget the
  /// bytes.
  void sync_small_files();
  /// Runs one round of all tasks to its end. A task that fails stays on the list. Does nothing while DATA_DIR
  /// is missing or replaced. Must not be called in a table's turn.
  void run_once();

 private:
  void work();
  void look_at_clock();
  void begin_round();
  /// Runs `attempt` in the table's turn.
  void in_turn(const TableRef& table, std::function<void()> attempt);
  void expire_held();
  void look_at_damages();
  void expire(const UploadId& upload);
  void forget_answers();
  bool settle(const UploadRecord& upload);
  bool remove_unaccepted(const UploadRecord& upload);
  bool write_owed_manifest(const UploadRecord& upload);
  bool make_owed_current(const TableRef& table);
  template <class T, class Try>
  void retry(std::vector<T>& owed, Try attempt);
  template <class T>
  void put_back(std::vector<T>& owed, std::vector<T> mine) noexcept;
  template <class T>
  std::vector<T> taken(std::vector<T>& owed);

  /// An upload whose files are to be synced.
  struct Unsynced {
    UploadId upload;
    TableRef table;
    Timestamp timestamp;
  };

  StoredFiles& files_;
  const Layout& layout_;
  Catalog& catalog_;
  Publisher& publisher_;
  TableTurns& turns_;
  ReadingCache& readings_;
  io::ClockWatch& clock_;
  const Options options_;

  std::mutex mutex_;
  std::condition_variable stopped_;
  std::condition_variable turns_ended_;
  bool stopping_ = false;
  std::size_t turns_begun_ = 0;  ///< begun and not ended
  std::set<UploadId> expiring_;  ///< waiting for their table's turn
  std::vector<UploadRecord> manifests_;
  std::vector<TableRef> currents_;
  std::vector<fs::path> removals_;
  std::vector<UploadRecord> unsettled_;
  std::vector<Unsynced> unsynced_;
  bool sync_failed_ = false;                  ///< a sync of unsynced_ failed: rewrite the files
  std::optional<Timestamp> clock_marked_at_;  ///< by the measured clock
  std::string clock_trouble_;                 ///< as last reported
  std::thread thread_;
};

}  // namespace deltadrop::ingest
