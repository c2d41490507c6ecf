#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>

#include "core/table_ref.hpp"

namespace deltadrop::ingest {

/// One lock a table, whatever its spelling. Thread-safe; a thread may hold one at a time.
class TableLocks {
 public:
  class Held {
   public:
    explicit Held(std::shared_ptr<std::mutex> mutex) : mutex_(std::move(mutex)), lock_(*mutex_) {}

   private:
    std::shared_ptr<std::mutex> mutex_;
    std::unique_lock<std::mutex> lock_;
  };

  /// Waits for it.
  Held take(const TableRef& table) { return Held(mutex_of(table.folded())); }

 private:
  std::shared_ptr<std::mutex> mutex_of(const TableRef& folded) {
    const std::lock_guard lock(mutex_);
    if (mutexes_.size() >= prune_at_) {
      std::erase_if(mutexes_, [](const auto& entry) { return entry.second.expired(); });
      prune_at_ = 2 * mutexes_.size() + kPruneStep;
    }
    auto& known = mutexes_[folded];
    auto mutex = known.lock();
    if (mutex == nullptr) known = mutex = std::make_shared<std::mutex>();
    return mutex;
  }

  static constexpr std::size_t kPruneStep = 64;
  std::mutex mutex_;
  std::map<TableRef, std::weak_ptr<std::mutex>> mutexes_;
  std::size_t prune_at_ = kPruneStep;
};

}  // namespace deltadrop::ingest
