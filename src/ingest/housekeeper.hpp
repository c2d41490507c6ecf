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

/// What is left to do of an acceptance whose outcome is known or not, when the disk failed in the middle of
/// it. Done again every second until it succeeds; held uploads, kept answers and kept readings expire on the
/// same thread. What concerns a table is done in the table's turn, and nothing else waits for that.
/// Thread-safe.
class Housekeeper {
 public:
  Housekeeper(StoredFiles& files, Catalog& catalog, Publisher& publisher, TableTurns& turns,
              ReadingCache& readings, io::ClockWatch& clock, const Options& options);
  Housekeeper(const Housekeeper&) = delete;
  Housekeeper& operator=(const Housekeeper&) = delete;
  ~Housekeeper() { stop(); }

  void start();
  void stop();

  /// The accepted upload's manifest could not be written.
  void owe_manifest(const UploadRecord& upload);
  /// The table's last version could not be made current.
  void owe_current(const TableRef& table);
  /// This file is nobody's and could not be removed.
  void owe_removal(const fs::path& path);
  /// This version's commit failed and nothing could be learned of it since, or its file could not be removed.
  void owe_settlement(const UploadRecord& upload);

  /// The accepted upload's current file is written and not synced; those of a small one are not, too, and the
  /// catalog keeps its bytes.
  void owe_sync(const UploadRecord& upload);

  /// Makes all such files durable by one sync, marks the current ones, and has the catalog forget the bytes.
  void sync_small_files();
  /// One round of all of it, to its end; what fails stays owed. Nothing while DATA_DIR is not the right one.
  /// Not in a table's turn.
  void run_once();

 private:
  void work();
  void look_at_clock();
  void begin_round();
  /// Has `attempt` done in the table's turn.
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

  /// What is synced later.
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
  std::size_t turns_begun_ = 0;  ///< and not ended
  std::set<UploadId> expiring_;  ///< whose turn has not come
  std::vector<UploadRecord> manifests_;
  std::vector<TableRef> currents_;
  std::vector<fs::path> removals_;
  std::vector<UploadRecord> unsettled_;
  std::vector<Unsynced> unsynced_;
  bool sync_failed_ = false;                  ///< of unsynced_: the files are to be written anew
  std::optional<Timestamp> clock_marked_at_;  ///< measured
  std::string clock_trouble_;                 ///< as last reported
  std::thread thread_;
};

}  // namespace deltadrop::ingest
