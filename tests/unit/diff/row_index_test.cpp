#include "diff/row_index.hpp"

#include <gtest/gtest.h>

namespace deltadrop::diff {
namespace {

TEST(RowIndex, FindsWhatWasAddedAlsoWhereTagsCollide) {
  RowIndex index;
  constexpr std::uint32_t kRows = 20000;
  for (std::uint32_t i = 0; i < kRows; ++i) index.add(i / 16 * 0x01000193U, RowRef{i, i + 1, Line(i + 2)});
  for (std::uint32_t i = 0; i < kRows; ++i) {
    const auto found = index.find(i / 16 * 0x01000193U,
                                  [&](RowIndex::RowNumber number) { return index.row(number).offset == i; });
    ASSERT_TRUE(found.has_value()) << i;
    EXPECT_EQ(*found, i);
    EXPECT_EQ(index.row(*found).length, i + 1);
  }
  EXPECT_FALSE(index.find(0xFFFFFFFF, [](RowIndex::RowNumber) { return false; }).has_value());
}

TEST(RowIndex, KeepsLargeOffsetsAndLines) {
  RowIndex index;
  const RowRef row{(std::uint64_t{1} << 40) - 1, 0xFFFFFFFF, Line((std::int64_t{1} << 40) + 7)};
  index.add(0xFFFFFFFF, row);
  EXPECT_EQ(index.row(0).offset, row.offset);
  EXPECT_EQ(index.row(0).length, row.length);
  EXPECT_EQ(index.row(0).line, row.line);
  EXPECT_FALSE(index.is_matched(0));
  index.mark_matched(0, Line(5));
  EXPECT_TRUE(index.is_matched(0));
  EXPECT_EQ(index.row(0).line, Line(5));
  EXPECT_EQ(index.row(0).offset, row.offset);
}

TEST(RowIndex, TakesAtMost48BytesARow) {
  std::string text = "id,a\n";
  constexpr std::size_t kRows = 200000;
  for (std::size_t i = 0; i < kRows; ++i) text += std::to_string(i) + ",x\n";
  RowIndex sized(text);
  RowIndex grown;
  for (std::size_t i = 0; i < kRows; ++i) {
    sized.add(tag_of(std::to_string(i)), RowRef{i, 1, Line(1)});
    grown.add(tag_of(std::to_string(i)), RowRef{i, 1, Line(1)});
  }
  EXPECT_LE(sized.memory() / kRows, 48U);
  EXPECT_LE(grown.memory() / kRows, 48U);
}

}  // namespace
}  // namespace deltadrop::diff
