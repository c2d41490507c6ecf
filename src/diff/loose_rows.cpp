#include "diff/loose_rows.hpp"

#include <xxhash.h>

#include <algorithm>
#include <random>

#include "core/assert.hpp"
#include "csv/structure.hpp"

namespace deltadrop::diff {
namespace {

std::uint64_t hash_seed() {
  static const std::uint64_t seed = [] {
    std::random_device device;
    return std::uint64_t{device()} << 32 | device();
  }();
  return seed;
}

}  // namespace

std::uint32_t tag_of(std::string_view key) {
  return static_cast<std::uint32_t>(XXH3_64bits_withSeed(key.data(), key.size(), hash_seed()) >> 32);
}

KeyTable::KeyTable(std::size_t expected) : slots_(expected / 3 * 4 + 16) {}

void KeyTable::grow() {
  HugeVector<Slot> old(slots_.size() * 2);
  old.swap(slots_);
  for (const Slot slot : old) {
    if (slot.number_plus_1 == 0) continue;
    std::size_t at = home_of(slot.tag);
    while (slots_[at].number_plus_1 != 0) at = next(at);
    slots_[at] = slot;
  }
}

LooseRow loose_row(const csv::Row& row, std::string_view key) {
  const XXH128_hash_t hash = XXH3_128bits_withSeed(row.bytes.data(), row.bytes.size(), hash_seed());
  LooseRow loose{};
  loose.offset = row.offset & ((std::uint64_t{1} << 40) - 1);
  loose.length = static_cast<std::uint32_t>(row.bytes.size());
  loose.tag = tag_of(key);
  loose.hash[0] = hash.low64;
  loose.hash[1] = hash.high64;
  return loose;
}

void LooseRows::expect(std::size_t rows) {
  // Tags are distributed evenly. Half a percent more is far above the random variation of a large part.
  const std::size_t expected = rows / kParts + rows / (kParts * 200) + 64;
  for (auto& part : parts_) {
    if (part.size() + expected > part.capacity()) part.reserve(part.size() + expected);
  }
}

Line LineSweep::at(std::uint64_t offset) {
  DD_ASSERT(offset >= offset_);
  line_ += static_cast<std::int64_t>(
      csv::structural_scan().count_line_ends(text_.substr(offset_, offset - offset_)));
  offset_ = offset;
  return Line(line_);
}

}  // namespace deltadrop::diff
