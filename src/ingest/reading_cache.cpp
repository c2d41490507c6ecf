#include "ingest/reading_cache.hpp"

#include <algorithm>
#include <utility>

namespace deltadrop::ingest {
namespace {

constexpr std::chrono::minutes kUnusedMax{1};
constexpr std::size_t kEntriesMax = 8;
/// A listed change takes 32 bytes, so this is a quarter of a GB.
constexpr std::int64_t kChangesMax = 8'000'000;

}  // namespace

ReadingCache::Found ReadingCache::get(const std::string& name, const std::function<Result<Reading>()>& make) {
  const auto entry = entry_of(name);
  const std::lock_guard making(entry->making);
  if (entry->reading != nullptr && entry->reading->is_untouched()) return entry->reading;
  DD_TRY(auto made, make());
  entry->reading = std::make_shared<const Reading>(std::move(made));
  const std::lock_guard lock(mutex_);
  entry->changes = std::ssize(entry->reading->changes.listed);
  make_room(*entry);
  return entry->reading;
}

std::shared_ptr<ReadingCache::Entry> ReadingCache::entry_of(const std::string& name) {
  const std::lock_guard lock(mutex_);
  auto& entry = entries_[name];
  if (entry == nullptr) entry = std::make_shared<Entry>();
  entry->asked_for = std::chrono::steady_clock::now();
  return entry;
}

void ReadingCache::make_room(const Entry& kept) {
  std::int64_t changes = 0;
  for (const auto& [name, entry] : entries_) changes += entry->changes;
  while (entries_.size() > 1 && (entries_.size() > kEntriesMax || changes > kChangesMax)) {
    const auto oldest = std::min_element(entries_.begin(), entries_.end(), [&](const auto& a, const auto& b) {
      if ((a.second.get() == &kept) != (b.second.get() == &kept)) return b.second.get() == &kept;
      return a.second->asked_for < b.second->asked_for;
    });
    changes -= oldest->second->changes;
    entries_.erase(oldest);
  }
}

void ReadingCache::drop_unused() {
  const auto before = std::chrono::steady_clock::now() - kUnusedMax;
  const std::lock_guard lock(mutex_);
  std::erase_if(entries_, [&](const auto& entry) { return entry.second->asked_for < before; });
}

}  // namespace deltadrop::ingest
