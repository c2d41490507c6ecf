#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "ingest/reading.hpp"

namespace deltadrop::ingest {

/// Files that were compared lately, for who reads their changes page by page: else a million changes in pages
/// of a thousand would be found a thousand times. Whoever asks for what another is reading waits for it.
/// Bounded by the changes listed in it; the last one asked for always stays. Thread-safe.
class ReadingCache {
 public:
  using Found = Result<std::shared_ptr<const Reading>>;

  /// The reading of this name, made where there is none or a program has written to its files since. A
  /// failure is not kept.
  Found get(const std::string& name, const std::function<Result<Reading>()>& make);
  /// Forgets what nobody has asked for in the last minute.
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
