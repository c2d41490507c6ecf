#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "diff/diff.hpp"

namespace deltadrop::diff {

/// 32 bits of a key's XXH3 under a seed that is drawn once per process, so that nobody can choose keys that
/// collide. No outcome depends on it: equal tags only lead to a comparison of the keys' bytes.
std::uint32_t tag_of(std::string_view key);

/// The rows of one file in the file's order, found by key. 16 bytes a row and 8 / 0.75 for its place in the
/// table: row bytes and keys stay in the file. Rows are numbered from 0.
class RowIndex {
 public:
  using RowNumber = std::uint32_t;
  static constexpr std::size_t kRowsMax = 0xFFFFFFFE;

  RowIndex() = default;
  /// Room for about as many rows as `text` seems to have.
  explicit RowIndex(std::string_view text);

  [[nodiscard]] std::size_t size() const { return rows_.size(); }
  [[nodiscard]] RowRef row(RowNumber number) const {
    const PackedRow& packed = rows_[number];
    return RowRef{packed.offset, packed.length, line_of(packed)};
  }

  /// The row whose tag is `tag` and for which `same_key(number)` holds.
  template <class SameKey>
  [[nodiscard]] std::optional<RowNumber> find(std::uint32_t tag, const SameKey& same_key) const {
    if (slots_.empty()) return std::nullopt;
    for (std::size_t at = home_of(tag); slots_[at].row_plus_1 != 0; at = next(at)) {
      if (slots_[at].tag == tag && same_key(slots_[at].row_plus_1 - 1)) return slots_[at].row_plus_1 - 1;
    }
    return std::nullopt;
  }
  /// Adds a row whose key is not in yet.
  void add(std::uint32_t tag, const RowRef& row);

  /// A row of the older version met its like at `line` of the newer one. Its own line is forgotten: nobody
  /// asks any more.
  void mark_matched(RowNumber number, Line line);
  [[nodiscard]] bool is_matched(RowNumber number) const { return rows_[number].matched != 0; }

  /// Frees the table; `find` and `add` may not be called any more.
  void drop_table();
  /// Bytes allocated.
  [[nodiscard]] std::size_t memory() const {
    return rows_.capacity() * sizeof(PackedRow) + slots_.capacity() * sizeof(Slot);
  }

 private:
  struct PackedRow {
    std::uint64_t offset : 40;
    std::uint64_t line_high : 23;
    std::uint64_t matched : 1;
    std::uint32_t line_low;
    std::uint32_t length;
  };
  struct Slot {
    std::uint32_t tag = 0;
    std::uint32_t row_plus_1 = 0;  ///< 0: free
  };
  static_assert(sizeof(PackedRow) == 16 && sizeof(Slot) == 8);

  static void set_line(PackedRow& packed, Line line);
  static Line line_of(const PackedRow& packed) {
    return Line(static_cast<std::int64_t>(std::uint64_t{packed.line_high} << 32 | packed.line_low));
  }
  /// Tags are spread evenly, so they are scaled to the table, which may then have any size.
  [[nodiscard]] std::size_t home_of(std::uint32_t tag) const {
    return std::uint64_t{tag} * slots_.size() >> 32;
  }
  [[nodiscard]] std::size_t next(std::size_t at) const { return at + 1 == slots_.size() ? 0 : at + 1; }
  void put(Slot slot);
  void grow();

  std::vector<PackedRow> rows_;
  std::vector<Slot> slots_;
};

}  // namespace deltadrop::diff
