#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "ingest/reading.hpp"

namespace deltadrop::ingest {

/// A cache of recently compared files, for clients that read changes page by page. Without it, reading a
/// million changes in pages of a thousand would compare the files a thousand times. Concurrent callers for
/// the same files wait for the first. The cache is bounded by the number of changes in it, but always keeps
/// the last reading that was requested. Thread-safe.
class ReadingCache {
 public:
  using Found = Result<std::shared_ptr<const Reading>>;

  /// Returns the reading with this name. Calls `make` if it is not cached or a program has written to its
  /// files since. Failures are not cached.
  Found get(const std::string& name, const std::function<Result<Reading>()>& make);
  /// Removes readings that were not requested in the last minute.
  void drop_unused();

 private:
  struct Entry {
    std::mutex making;
    std::shared_ptr<const Reading> reading;  ///< under `making`
    std::int64_t changes = 0;                ///< this and below under mutex_
    std::chrono::steady_clock::time_point asked_for{};
  };

  std::shared_ptr<Entry> entry_of(const std::string& name);
  void make_room(const Entry& kept);

  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Entry>> entries_;
};

}  // namespace deltadrop::ingest
