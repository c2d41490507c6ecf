#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "csv/file.hpp"
#include "csv/scan.hpp"
#include "diff/diff.hpp"
#include "diff/huge_pages.hpp"

namespace deltadrop::diff {

/// Returns 32 bits of a key's XXH3 hash. The seed is random for each process, so that nobody can choose keys
/// that collide. Results do not depend on it: equal tags only lead to a comparison of the keys' bytes.
std::uint32_t tag_of(std::string_view key);

/// A hash table from the tags of keys to numbers, with linear probing; the caller numbers its items from 0.
/// An item takes 8 bytes at a load of at most 0.8. No two items may have the same key: they would have the
/// same tag, and every search would visit all of them.
class KeyTable {
 public:
  using Number = std::uint32_t;
  static constexpr std::size_t kNumbersMax = 0xFFFFFFFE;

  /// Reserves room for `expected` items.
  explicit KeyTable(std::size_t expected = 0);

  /// Returns the item whose tag is `tag` and for which `same_key(number)` is true, if any.
  template <class SameKey>
  [[nodiscard]] std::optional<Number> find(std::uint32_t tag, const SameKey& same_key) const {
    for (std::size_t at = home_of(tag); slots_[at].number_plus_1 != 0; at = next(at)) {
      if (slots_[at].tag == tag && same_key(slots_[at].number_plus_1 - 1))
        return slots_[at].number_plus_1 - 1;
    }
    return std::nullopt;
  }
  /// Returns the number that a search for the tag compares first, if any. For prefetching.
  [[nodiscard]] std::optional<Number> first_candidate(std::uint32_t tag) const {
    const Slot& slot = slots_[home_of(tag)];
    return slot.number_plus_1 == 0 ? std::nullopt : std::optional(slot.number_plus_1 - 1);
  }
  void prefetch(std::uint32_t tag) const { __builtin_prefetch(&slots_[home_of(tag)]); }
  /// Returns the item as find() does. Otherwise adds `added` and returns nothing.
  template <class SameKey>
  std::optional<Number> find_or_add(std::uint32_t tag, Number added, const SameKey& same_key) {
    make_room();
    std::size_t at = home_of(tag);
    for (; slots_[at].number_plus_1 != 0; at = next(at)) {
      if (slots_[at].tag == tag && same_key(slots_[at].number_plus_1 - 1))
        return slots_[at].number_plus_1 - 1;
    }
    slots_[at] = {tag, added + 1};
    ++size_;
    return std::nullopt;
  }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  struct Slot {
    std::uint32_t tag = 0;
    std::uint32_t number_plus_1 = 0;  ///< 0 if the slot is free
  };
  static_assert(sizeof(Slot) == 8);

  /// Scales the tag to the table's size, which need not be a power of two. Tags are distributed evenly.
  [[nodiscard]] std::size_t home_of(std::uint32_t tag) const {
    return std::uint64_t{tag} * slots_.size() >> 32;
  }
  [[nodiscard]] std::size_t next(std::size_t at) const { return at + 1 == slots_.size() ? 0 : at + 1; }
  /// Grows the table if one more item would exceed the maximum load.
  void make_room() {
    if (slots_.size() < size_ + 1 + (size_ + 1) / 4) grow();
  }
  void grow();

  HugeVector<Slot> slots_;
  std::size_t size_ = 0;
};

/// A row that was not met in step: its position, its tag and its hash. 32 bytes.
struct LooseRow {
  std::uint64_t offset : 40;
  std::uint64_t matched : 1;
  std::uint32_t length;
  std::uint32_t tag;      ///< tag_of() its key
  std::uint64_t hash[2];  ///< XXH3-128 of its bytes with tag_of()'s seed; equal hashes count as equal bytes

  /// Returns a reference without a line number.
  [[nodiscard]] RowRef ref() const { return RowRef(offset, length, Line(0)); }
  /// Returns the row's bytes in its file's text.
  [[nodiscard]] std::string_view in(std::string_view text) const { return text.substr(offset, length); }
  [[nodiscard]] bool same_bytes(const LooseRow& other) const {
    return hash[0] == other.hash[0] && hash[1] == other.hash[1] && length == other.length;
  }
};
static_assert(sizeof(LooseRow) == 32);

LooseRow loose_row(const csv::Row& row, std::string_view key);

/// The loose rows of one version, partitioned by key: rows with the same key are in the same part, so each
/// part can be joined separately. Each part is in the file's order.
class LooseRows {
 public:
  static constexpr std::size_t kParts = 2;

  void add(const LooseRow& row) { parts_[row.tag % kParts].push_back(row); }
  /// Reserves room for `rows` more rows.
  void expect(std::size_t rows);
  [[nodiscard]] std::size_t size() const { return parts_[0].size() + parts_[1].size(); }
  HugeVector<LooseRow>& part(std::size_t number) { return parts_[number]; }

 private:
  std::array<HugeVector<LooseRow>, kParts> parts_;
};

/// Computes line numbers from offsets in one pass over the text.
class LineSweep {
 public:
  explicit LineSweep(std::string_view text) : text_(text) {}
  /// Returns the line number at `offset`. Offsets must not decrease from call to call.
  Line at(std::uint64_t offset);

 private:
  std::string_view text_;
  std::uint64_t offset_ = 0;
  std::int64_t line_ = 1;
};

}  // namespace deltadrop::diff
