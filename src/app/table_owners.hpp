#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "history/table_chains.hpp"
#include "ingest/ingest.hpp"

namespace deltadrop::app {

struct TableOwnersOptions {
  /// How long an upload waits for the history; then it goes on as if nothing were known.
  std::chrono::milliseconds patience{1'000};
  /// How long the history is not asked after it took `slow` or longer to fail. One that fails at once (it is
  /// not there, or has no tables yet) delays nobody, and is asked again by the next upload.
  std::chrono::milliseconds pause{1'000};
  std::chrono::milliseconds slow{500};
  /// How long a table is known as this archive's before it is asked about again.
  std::chrono::milliseconds remember{60'000};
  /// The same for a table that nobody owns yet: its next uploads need not ask until the first is recorded.
  std::chrono::milliseconds remember_free{1'000};
};

/// Asks the history whose a table is, on a thread of its own, so that nobody waits for long for a database
/// that does not answer. What is unknown is allowed: nothing is refused while the database is down.
/// Thread-safe.
class TableOwners {
 public:
  explicit TableOwners(history::TableChains& history, const TableOwnersOptions& options = {});
  /// Waits for a question that is under way: stop the history first.
  ~TableOwners();
  TableOwners(const TableOwners&) = delete;
  TableOwners& operator=(const TableOwners&) = delete;

  /// An ingest::OwnerCheck.
  Result<void> check(const TableRef& table, const ArchiveId& archive, const ingest::HasUpload& has_upload);

  /// Finds out whether the history knows this archive, now or when it answers, and logs a warning where it
  /// knows others only. `reader` outlives this.
  void watch_archive(ingest::ArchiveReader& reader);
  /// What a person must look at: this archive is empty, and the history has tables of others.
  [[nodiscard]] std::vector<std::string> troubles() const;

 private:
  using Clock = std::chrono::steady_clock;
  struct Question {
    TableRef table;
    std::promise<Result<history::Ownership>> answer;
  };

  std::optional<history::Ownership> ask(const TableRef& table);
  void work(const std::stop_token& stop);
  /// When to look again; none: never.
  std::optional<Clock::time_point> look_at_archive();

  history::TableChains& history_;
  const TableOwnersOptions options_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<std::shared_ptr<Question>> questions_;
  std::optional<Clock::time_point> asking_since_;  ///< the question that the thread has now
  Clock::time_point not_before_;
  std::map<TableRef, Clock::time_point> may_write_until_;
  ingest::ArchiveReader* reader_ = nullptr;
  std::optional<Clock::time_point> look_at_;
  std::vector<std::string> troubles_;
  std::jthread thread_;  ///< last: it uses the others
};

/// What to say where this archive is empty and the history has tables; "" where it has none.
std::string empty_archive_text(const ArchiveId& archive, const std::vector<history::KnownArchive>& known);

}  // namespace deltadrop::app
