#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "core/result.hpp"
#include "core/table_ref.hpp"

namespace deltadrop::ingest {

/// shutting_down: the server takes no uploads any more.
Error shutting_down();

/// Whether a company that has `taken` places may take one more of those that are `free`: at most as many as
/// are left free for others. However much one company sends, the next one finds a place; a company that is
/// alone gets half of all. (The dynamic threshold of Choudhury and Hahne, IEEE/ACM Transactions on Networking
/// 6(2), 1998.)
constexpr bool may_take_one_more(std::size_t taken, std::size_t free) {
  return free > 0 && (taken == 0 || taken < free);
}

/// Work on tables. A table's jobs run one at a time, in the order in which they came; those of different
/// tables run at once, on a bounded number of threads, one company after another. A job that waits holds no
/// thread. Names of companies and tables differ as in TableRef::folded. Thread-safe.
class TableTurns {
 public:
  /// Must not throw, and must not wait for another table's job.
  using Job = std::function<void()>;
  struct Size {
    std::size_t threads = 1;
    std::size_t waiting_max = 1;  ///< jobs that wait; see may_take_one_more for the part of one company
  };

  explicit TableTurns(const Size& size) : size_(size) {}
  TableTurns(const TableTurns&) = delete;
  TableTurns& operator=(const TableTurns&) = delete;
  ~TableTurns() { stop(); }

  void start();
  /// Runs the jobs that wait, which are to look whether they are still wanted, and joins the threads.
  void stop();

  /// unavailable "too-many-uploads" where as many of the company wait as may; shutting_down after `stop`.
  Result<void> add(const TableRef& table, Job job);
  /// For what the engine itself has to do: not counted against the limit. False after `stop`.
  bool add_own(const TableRef& table, Job job);

 private:
  struct Table {
    std::deque<Job> jobs;  ///< that wait
    bool running = false;
  };
  struct Company {
    std::deque<TableRef> ready;  ///< tables with a job that may run now, those that waited longest first
    std::size_t running = 0;
    std::size_t waiting = 0;  ///< jobs
  };

  void work();
  /// Takes the next job, if one may run now. Under the mutex.
  bool take(TableRef* table, Job* job);
  void finish(const TableRef& table);
  void put(const TableRef& folded, Job job);
  void make_ready(const TableRef& table, Company& company);
  [[nodiscard]] std::size_t free_threads() const { return size_.threads - running_; }

  const Size size_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<TableRef, Table> tables_;          ///< those with a job
  std::map<std::string, Company> companies_;  ///< those with a job
  std::list<std::string> turns_;              ///< companies with a table that is ready, the next one first
  std::size_t running_ = 0;
  std::size_t waiting_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace deltadrop::ingest
