#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "http/server.hpp"

namespace deltadrop::http {

/// Threads for one kind of work, and the jobs that wait for them, first come first served. Thread-safe.
class WorkerPool {
 public:
  using Job = std::function<void()>;  ///< must not throw

  explicit WorkerPool(const PoolSize& size);
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;
  ~WorkerPool() { join(); }

  /// Whether one more job may wait. Asked for what begins; the rest of what has begun is added all the same:
  /// there is no more of it than of connections.
  [[nodiscard]] bool has_room();
  void add(Job job);
  /// Does what waits, and ends the threads.
  void join();

 private:
  void work();

  const PoolSize size_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> waiting_;
  std::size_t idle_ = 0;  ///< threads
  bool joining_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace deltadrop::http
