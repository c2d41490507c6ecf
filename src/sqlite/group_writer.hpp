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

/// A database's one writing connection, shared by many threads: writes that wait at the same time are run in
/// one transaction, a savepoint each, and share its commit. Whichever caller finds nobody at work does the
/// work of all who wait. Thread-safe.
class GroupWriter {
 public:
  /// Runs on some caller's thread, inside a transaction. An error undoes this write and no other.
  using Write = std::function<Result<void>(Database&)>;

  /// Called by the thread that does a group's work, never by two at a time. An error fails the whole group.
  struct Hooks {
    std::function<Result<void>()> begin;          ///< before the first write of a group
    std::function<Result<void>()> before_commit;  ///< not of a group whose writes all failed
    std::function<Result<void>()> committed;      ///< the group is durable, its callers still wait
  };

  GroupWriter(Database database, Hooks hooks);
  explicit GroupWriter(Database database) : GroupWriter(std::move(database), Hooks{}) {}

  /// Returns when the write is durable, or undone. After an error of the commit, which every caller of the
  /// group gets, it may be either.
  Result<void> run(const Write& write);
  /// The same, but nothing where writes of others are under way.
  std::optional<Result<void>> run_if_idle(const Write& write);
  /// How many wait for the group that is under way.
  [[nodiscard]] std::size_t waiting();

 private:
  /// Each is woken by itself: dozens that wake for one who can go on cost more than the writes.
  struct Waiting {
    explicit Waiting(const Write& its_write) : write(its_write) {}
    const Write& write;
    std::optional<Result<void>> result;  ///< none where whoever wrote for it ended before it had
    bool done = false;
    bool leads = false;  ///< it is to do the work of all who wait; the one before has ended
    std::condition_variable changed;
  };
  /// More would make the first of a group wait long for the last.
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
  bool working_ = false;  ///< somebody uses database_, or has been told to
};

}  // namespace deltadrop::sqlite
