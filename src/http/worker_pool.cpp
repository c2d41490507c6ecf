#include "http/worker_pool.hpp"

#include <algorithm>
#include <utility>

namespace deltadrop::http {

WorkerPool::WorkerPool(const PoolSize& size) : size_(size) {
  const std::size_t count = std::max<std::size_t>(1, size.threads);
  for (std::size_t i = 0; i < count; ++i) threads_.emplace_back([this] { work(); });
}

bool WorkerPool::has_room() {
  const std::lock_guard lock(mutex_);
  // A job does not count as waiting if an idle thread will take it.
  return waiting_.size() < size_.waiting_max + idle_;
}

void WorkerPool::add(Job job) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(job));
  }
  changed_.notify_one();
}

void WorkerPool::join() {
  {
    const std::lock_guard lock(mutex_);
    joining_ = true;
  }
  changed_.notify_all();
  for (auto& thread : threads_) thread.join();
  threads_.clear();
}

void WorkerPool::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    ++idle_;
    changed_.wait(lock, [this] { return joining_ || !waiting_.empty(); });
    --idle_;
    if (waiting_.empty()) return;
    {
      const Job job = std::exchange(waiting_.front(), nullptr);
      waiting_.pop_front();
      lock.unlock();
      job();
    }
    lock.lock();
  }
}

}  // namespace deltadrop::http
