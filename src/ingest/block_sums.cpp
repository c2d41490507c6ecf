#include "ingest/block_sums.hpp"

#include <xxhash.h>

#include <utility>

namespace deltadrop::ingest {
namespace {

/// 8 MiB of sums, enough for 256 GiB of files.
constexpr std::size_t kBlocksMax = std::size_t{1} << 20;
constexpr std::size_t kEntriesMax = 10'000;

}  // namespace

std::uint64_t sum_of_block(std::string_view bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

BlockSums::Found BlockSums::get(const UploadId& upload, const std::function<Result<Sums>()>& make) {
  std::shared_ptr<Entry> entry;
  {
    const std::lock_guard lock(mutex_);
    auto& known = entries_[upload];
    if (known == nullptr) {
      known = std::make_shared<Entry>();
      known->used = by_use_.insert(by_use_.begin(), upload);
    }
    by_use_.splice(by_use_.begin(), by_use_, known->used);
    entry = known;
  }
  const std::lock_guard making(entry->making);
  if (entry->sums != nullptr) return entry->sums;
  auto made = make();
  if (!made.has_value()) return made.error();
  entry->sums = std::make_shared<const Sums>(std::move(made).value());
  const std::lock_guard lock(mutex_);
  // The entry may have been dropped meanwhile, by forget or to make room.
  const auto known = entries_.find(upload);
  if (known != entries_.end() && known->second == entry) {
    entry->blocks = entry->sums->size();
    blocks_ += entry->blocks;
    make_room();
  }
  return entry->sums;
}

void BlockSums::forget(const UploadId& upload) {
  const std::lock_guard lock(mutex_);
  const auto known = entries_.find(upload);
  if (known == entries_.end()) return;
  blocks_ -= known->second->blocks;
  by_use_.erase(known->second->used);
  entries_.erase(known);
}

/// Always keeps the most recently used entry, even if it is too large.
void BlockSums::make_room() {
  while (entries_.size() > 1 && (blocks_ > kBlocksMax || entries_.size() > kEntriesMax)) {
    const auto oldest = entries_.find(by_use_.back());
    blocks_ -= oldest->second->blocks;
    entries_.erase(oldest);
    by_use_.pop_back();
  }
}

}  // namespace deltadrop::ingest
