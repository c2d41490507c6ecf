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

/// The threads for one kind of work and their queue, first in, first out. Thread-safe.
class WorkerPool {
 public:
  using Job = std::function<void()>;  ///< must not throw

  explicit WorkerPool(const PoolSize& size);
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;
  ~WorkerPool() { join(); }

  /// Returns whether one more job may wait. Check it only for a new request. The later jobs of a request are
  /// always added; there is at most one per connection.
  [[nodiscard]] bool has_room();
  void add(Job job);
  /// Runs the waiting jobs, then ends the threads.
  void join();

 private:
  void work();

  const PoolSize size_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> waiting_;
  std::size_t idle_ = 0;  ///< the number of idle threads
  bool joining_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace deltadrop::http
