#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>

#include "sqlite/database.hpp"

namespace deltadrop::sqlite {

/// Shares a database's only writing connection between threads. Writes that wait at the same time run in one
/// transaction, each in its own savepoint, and share its commit. A caller that finds nobody writing runs all
/// waiting writes. Thread-safe.
class GroupWriter {
 public:
  /// Runs inside a transaction, on the thread of any caller. An error rolls back this write only.
  using Write = std::function<Result<void>(Database&)>;

  /// The thread that writes a group calls these, one call at a time. An error fails the whole group.
  struct Hooks {
    std::function<Result<void>()> begin;          ///< before the first write of a group
    std::function<Result<void>()> before_commit;  ///< skipped if every write of the group failed
    std::function<Result<void>()> committed;      ///< the group is durable; its callers still wait
  };

  GroupWriter(Database database, Hooks hooks);
  explicit GroupWriter(Database database) : GroupWriter(std::move(database), Hooks{}) {}

  /// Returns once the write is durable or rolled back. If the commit fails, every caller of the group gets
  /// its error, and the write may be either.
  Result<void> run(const Write& write);
  /// Like run, but returns nothing if other writes are in progress.
  std::optional<Result<void>> run_if_idle(const Write& write);
  /// Returns how many writes wait for the current group to finish.
  [[nodiscard]] std::size_t waiting();

 private:
  /// A queued write. Each has its own condition variable: waking dozens of threads when one can continue
  /// costs more than the writes.
  struct Waiting {
    explicit Waiting(const Write& its_write) : write(its_write) {}
    const Write& write;
    std::optional<Result<void>> result;  ///< empty if the writing thread ended before it ran the write
    bool done = false;
    bool leads = false;  ///< the previous leader has ended; this thread must write the next group
    std::condition_variable changed;
  };
  /// A larger group would delay its first write too long.
  static constexpr std::size_t kGroupMax = 256;
  using Group = std::span<Waiting* const>;

  Result<void> wait_or_lead(std::unique_lock<std::mutex>& lock, Waiting& mine);
  static Result<void> result_of(Waiting& ended);
  void end(std::unique_lock<std::mutex>& lock, Group group);
  void work(Group group);
  Result<void> run_all(Group group);
  Result<bool> run_one(Waiting& waiting);

  Database database_;
  const Hooks hooks_;

  std::mutex mutex_;
  std::deque<Waiting*> queue_;
  bool working_ = false;  ///< a thread uses database_ or has been chosen to
};

}  // namespace deltadrop::sqlite
