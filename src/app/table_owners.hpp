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
  /// The maximum time that an upload waits for the history. After that it continues as if the owner were
  /// unknown.
  std::chrono::milliseconds patience{1'000};
  /// The pause after a query that failed after `slow` or longer. A query that fails at once, for example
  /// without a server or tables, delays nobody, so the next upload queries again.
  std::chrono::milliseconds pause{1'000};
  std::chrono::milliseconds slow{500};
  /// How long a table counts as this archive's before the next query.
  std::chrono::milliseconds remember{60'000};
  /// The same for a table without an owner: its next uploads need no query until the first is recorded.
  std::chrono::milliseconds remember_free{1'000};
};

/// Queries the history for the owners of tables. A separate thread runs the queries, so that no upload waits
/// long for a database that does not answer. Unknown owners are allowed: uploads continue while the database
/// is down. Thread-safe.
class TableOwners {
 public:
  explicit TableOwners(history::TableChains& history, const TableOwnersOptions& options = {});
  /// Waits for a running query: stop the history first.
  ~TableOwners();
  TableOwners(const TableOwners&) = delete;
  TableOwners& operator=(const TableOwners&) = delete;

  /// An ingest::OwnerCheck. Fails with conflict "table-owned-by-another-archive".
  Result<void> check(const TableRef& table, const ArchiveId& archive, const ingest::HasUpload& has_upload);

  /// Checks whether the history knows this archive, now or when it answers. Logs a warning if it knows only
  /// other archives. `reader` must outlive this object.
  void watch_archive(ingest::ArchiveReader& reader);
  /// Returns the trouble that an operator must handle: this archive is empty, but the history has tables.
  [[nodiscard]] std::vector<std::string> troubles() const;

 private:
  using Clock = std::chrono::steady_clock;
  struct Question {
    TableRef table;
    std::promise<Result<history::Ownership>> answer;
  };

  std::optional<history::Ownership> ask(const TableRef& table);
  void work(const std::stop_token& stop);
  /// Returns the time of the next look, or nothing if no further look is needed.
  std::optional<Clock::time_point> look_at_archive();

  history::TableChains& history_;
  const TableOwnersOptions options_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<std::shared_ptr<Question>> questions_;
  std::optional<Clock::time_point> asking_since_;  ///< start of the query that the thread is running
  Clock::time_point not_before_;
  std::map<TableRef, Clock::time_point> may_write_until_;
  ingest::ArchiveReader* reader_ = nullptr;
  std::optional<Clock::time_point> look_at_;
  std::vector<std::string> troubles_;
  std::jthread thread_;  ///< last member: uses the others
};

/// Returns the trouble to report if this archive is empty and the history has tables, or "" if it has none.
std::string empty_archive_text(const ArchiveId& archive, const std::vector<history::KnownArchive>& known);

}  // namespace deltadrop::app
