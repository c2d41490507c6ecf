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

/// Returns the error shutting_down: the server accepts no more uploads.
Error shutting_down();

/// Returns true if a company with `taken` places may take one more of the `free` ones: it may hold at most as
/// many as remain free for others. However much one company sends, the next one finds a place; a single
/// company gets half of all. (The dynamic threshold of Choudhury and Hahne, IEEE/ACM Transactions on
/// Networking 6(2), 1998.)
constexpr bool may_take_one_more(std::size_t taken, std::size_t free) {
  return free > 0 && (taken == 0 || taken < free);
}

/// Runs jobs on tables. A table's jobs run one at a time, in the order of their arrival. Jobs of different
/// tables run in parallel on a bounded number of threads; companies take turns. A waiting job holds no
/// thread. Names of companies and tables are compared like TableRef::folded. Thread-safe.
class TableTurns {
 public:
  /// Must not throw, and must not wait for another table's job.
  using Job = std::function<void()>;
  struct Size {
    std::size_t threads = 1;
    std::size_t waiting_max = 1;  ///< waiting jobs; may_take_one_more limits each company's part
  };

  explicit TableTurns(const Size& size) : size_(size) {}
  TableTurns(const TableTurns&) = delete;
  TableTurns& operator=(const TableTurns&) = delete;
  ~TableTurns() { stop(); }

  void start();
  /// Runs the waiting jobs, which check whether they are still wanted, and joins the threads.
  void stop();

  /// Fails with unavailable, type "too-many-uploads", if the company has its maximum of waiting jobs, and
  /// with shutting_down after `stop`.
  Result<void> add(const TableRef& table, Job job);
  /// Adds a job of the engine itself, which does not count against the limit. Returns false after `stop`.
  bool add_own(const TableRef& table, Job job);

 private:
  struct Table {
    std::deque<Job> jobs;  ///< waiting jobs
    bool running = false;
  };
  struct Company {
    std::deque<TableRef> ready;  ///< tables whose next job may run now, longest wait first
    std::size_t running = 0;
    std::size_t waiting = 0;  ///< jobs
  };

  void work();
  /// Takes the next job if one may run now. Call it with the mutex locked.
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
  std::list<std::string> turns_;              ///< companies with a ready table, the next one first
  std::size_t running_ = 0;
  std::size_t waiting_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace deltadrop::ingest
