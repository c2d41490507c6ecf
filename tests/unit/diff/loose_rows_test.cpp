#include "diff/loose_rows.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "diff/whole_file.hpp"

namespace deltadrop::diff {
namespace {

TEST(KeyTable, FindsWhatWasAddedAlsoWhereTagsCollide) {
  KeyTable table;
  constexpr std::uint32_t kNumbers = 20000;
  for (std::uint32_t i = 0; i < kNumbers; ++i) {
    const auto earlier = table.find_or_add(i / 16 * 0x01000193U, i, [](KeyTable::Number) { return false; });
    EXPECT_FALSE(earlier.has_value());
  }
  for (std::uint32_t i = 0; i < kNumbers; ++i) {
    const auto found = table.find(i / 16 * 0x01000193U, [&](KeyTable::Number number) { return number == i; });
    ASSERT_TRUE(found.has_value()) << i;
    EXPECT_EQ(*found, i);
  }
  EXPECT_FALSE(table.find(0xFFFFFFFF, [](KeyTable::Number) { return false; }).has_value());
  EXPECT_EQ(table.size(), kNumbers);
}

TEST(KeyTable, HoldsAKeyOnce) {
  KeyTable table;
  const auto same_key = [](KeyTable::Number number) { return number == 7; };
  EXPECT_FALSE(table.find_or_add(1, 7, same_key).has_value());
  EXPECT_EQ(table.find_or_add(1, 8, same_key), std::optional<KeyTable::Number>(7));
  EXPECT_EQ(table.size(), 1U);
}

TEST(LooseRow, KeepsLargeOffsetsAndTellsBytesApart) {
  constexpr std::string_view text = "a,1\na,2\n";
  const csv::Row first{text.substr(0, 3), (std::uint64_t{1} << 40) - 1, 2, Line(1), csv::RowFault::none, 0};
  const csv::Row second{text.substr(4, 3), 4, 2, Line(2), csv::RowFault::none, 0};
  const LooseRow loose = loose_row(first, "a");
  EXPECT_EQ(loose.ref().offset(), (std::uint64_t{1} << 40) - 1);
  EXPECT_EQ(loose.ref().length(), 3U);
  EXPECT_EQ(loose.matched, 0U);
  EXPECT_EQ(loose.tag, loose_row(second, "a").tag);
  EXPECT_TRUE(loose.same_bytes(loose_row(first, "a")));
  EXPECT_FALSE(loose.same_bytes(loose_row(second, "a")));
}

TEST(LineSweep, CountsEveryKindOfLineEndOnce) {
  const std::string text = "a\nb\r\nc\rd\n\ne";
  LineSweep lines(text);
  EXPECT_EQ(lines.at(0), Line(1));
  EXPECT_EQ(lines.at(text.find('b')), Line(2));
  EXPECT_EQ(lines.at(text.find('c')), Line(3));
  EXPECT_EQ(lines.at(text.find('d')), Line(4));
  EXPECT_EQ(lines.at(text.find('e')), Line(6));
}

TEST(EstimatedRows, CountsAShortTextAndSamplesALongOneAllOver) {
  EXPECT_EQ(estimated_rows("a\nb\nc\n"), 4);
  std::string even;
  for (int i = 0; i < 100'000; ++i) even += "0123456789\n";
  EXPECT_NEAR(static_cast<double>(estimated_rows(even)), 103'000, 1000);
  // Memory is reserved by this estimate, so empty lines at the start must not dominate it.
  const std::string blank_at_first = std::string(300'000, '\n') + std::string(60'000'000, 'x');
  EXPECT_LT(estimated_rows(blank_at_first), blank_at_first.size() / 8);
}

}  // namespace
}  // namespace deltadrop::diff
