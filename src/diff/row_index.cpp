#include "diff/row_index.hpp"

#include <xxhash.h>

#include <algorithm>
#include <random>

#include "core/assert.hpp"

namespace deltadrop::diff {
namespace {

std::uint64_t hash_seed() {
  static const std::uint64_t seed = [] {
    std::random_device device;
    return std::uint64_t{device()} << 32 | device();
  }();
  return seed;
}

/// From the lines in the first part of the text.
std::size_t estimated_rows(std::string_view text) {
  constexpr std::size_t kSampleBytes = std::size_t{1} << 18;
  const auto sample = text.substr(0, kSampleBytes);
  const auto lines = static_cast<std::size_t>(std::count(sample.begin(), sample.end(), '\n')) + 1;
  if (sample.size() == text.size()) return lines;
  const double lines_per_byte = static_cast<double>(lines) / static_cast<double>(sample.size());
  return static_cast<std::size_t>(lines_per_byte * static_cast<double>(text.size()) * 1.03);
}

}  // namespace

std::uint32_t tag_of(std::string_view key) {
  return static_cast<std::uint32_t>(XXH3_64bits_withSeed(key.data(), key.size(), hash_seed()) >> 32);
}

RowIndex::RowIndex(std::string_view text) {
  const std::size_t rows = std::min(estimated_rows(text), kRowsMax);
  rows_.reserve(rows);
  slots_.resize(rows / 3 * 4 + 16);
}

void RowIndex::set_line(PackedRow& packed, Line line) {
  const auto number = static_cast<std::uint64_t>(line.value);
  packed.line_high = (number >> 32) & 0x7FFFFF;
  packed.line_low = static_cast<std::uint32_t>(number);
}

void RowIndex::put(Slot slot) {
  std::size_t at = home_of(slot.tag);
  while (slots_[at].row_plus_1 != 0) at = next(at);
  slots_[at] = slot;
}

void RowIndex::grow() {
  std::vector<Slot> old(std::max<std::size_t>(64, slots_.size() / 2 * 3));
  old.swap(slots_);
  for (const Slot slot : old) {
    if (slot.row_plus_1 != 0) put(slot);
  }
}

void RowIndex::add(std::uint32_t tag, const RowRef& row) {
  DD_ASSERT(rows_.size() < kRowsMax);
  if (slots_.size() < (rows_.size() + 1) + (rows_.size() + 1) / 4) grow();
  PackedRow packed{};
  packed.offset = row.offset & ((std::uint64_t{1} << 40) - 1);
  packed.length = row.length;
  set_line(packed, row.line);
  rows_.push_back(packed);
  put(Slot{tag, static_cast<std::uint32_t>(rows_.size())});
}

void RowIndex::mark_matched(RowNumber number, Line line) {
  rows_[number].matched = 1;
  set_line(rows_[number], line);
}

void RowIndex::drop_table() { std::vector<Slot>().swap(slots_); }

}  // namespace deltadrop::diff
