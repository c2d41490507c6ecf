#include <gtest/gtest.h>

#include <string>

#include "xlsx/cell_text.hpp"
#include "xlsx/merged_cells.hpp"
#include "xlsx/shared_strings.hpp"

namespace deltadrop::xlsx {
namespace {

TEST(CellPlaces, AreReadAndWritten) {
  const std::pair<std::string, CellPlace> cases[] = {
      {"A1", {1, 1}}, {"Z9", {9, 26}}, {"AA10", {10, 27}}, {"XFD1048576", {1048576, 16384}}};
  for (const auto& [text, place] : cases) {
    EXPECT_EQ(parse_cell_place(text), place) << text;
    EXPECT_EQ(to_string(place), text);
  }
  EXPECT_EQ(parse_cell_place("$C$5"), (CellPlace{5, 3}));
  EXPECT_EQ(parse_cell_place("c5"), (CellPlace{5, 3}));
  for (const char* text :
       {"", "A", "5", "A0", "A-1", "A1B", "A1:B2", "AAAAAAAAAAAAAA1", "A99999999999", " A1", "[1"}) {
    EXPECT_EQ(parse_cell_place(text), std::nullopt) << text;
  }
}

TEST(CellTexts, HaveTheirEscapesDecoded) {
  const std::pair<std::string, std::string> cases[] = {
      {"plain", "plain"},
      {"a_x000D_b", "a\rb"},
      {"_x005F_x000D_", "_x000D_"},
      {"_x00e9_", "\xC3\xA9"},
      {"_xD83D__xDE00_", "\xF0\x9F\x98\x80"},
      {"_xD83D_", "_xD83D_"},
      {"_xDE00__xD83D_", "_xDE00__xD83D_"},
      {"_x12_", "_x12_"},
      {"_x00zz_", "_x00zz_"},
      {"_x", "_x"},
      {"__x0041__", "_A_"},
      {"_x0041__x0042_", "AB"},
  };
  for (const auto& [stored, expected] : cases) {
    std::string text = "_x0041_" + stored;
    decode_escapes(text, 7);
    EXPECT_EQ(text, "_x0041_" + expected) << "what is before stays";
  }
}

TEST(CellTexts, AreFieldsOfCsv) {
  const auto field = [](std::string_view value) {
    std::string out;
    append_csv_field(out, value);
    return out;
  };
  EXPECT_EQ(field("plain; text"), "plain; text");
  EXPECT_EQ(field("a,b"), "\"a,b\"");
  EXPECT_EQ(field("say \"hi\""), "\"say \"\"hi\"\"\"");
  EXPECT_EQ(field("\""), "\"\"\"\"");
  EXPECT_EQ(field("two\nlines"), "\"two\nlines\"");
  EXPECT_EQ(field("\r"), "\"\r\"");
}

TEST(SharedStringsInMemory, AreFoundByNumber) {
  SharedStrings strings(std::uint64_t{1} << 24);
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(
        strings.add(std::string(static_cast<std::size_t>(i * 7 % 300), static_cast<char>('a' + i % 26))));
  }
  ASSERT_EQ(strings.size(), 1000U);
  for (int i = 0; i < 1000; ++i) {
    EXPECT_EQ(strings.at(static_cast<std::uint64_t>(i)),
              std::string(static_cast<std::size_t>(i * 7 % 300), static_cast<char>('a' + i % 26)));
  }
  EXPECT_EQ(strings.at(1000), std::nullopt);
  EXPECT_EQ(strings.at(UINT64_MAX), std::nullopt);
}

TEST(SharedStringsInMemory, HaveALimitThatEmptyOnesCountAgainst) {
  SharedStrings texts(1000);
  EXPECT_FALSE(texts.add(std::string(1000, 'x')));
  EXPECT_TRUE(texts.add(std::string(900, 'x')));
  EXPECT_FALSE(texts.add(std::string(100, 'x')));
  SharedStrings empty(1000);
  int count = 0;
  while (count < 1000 && empty.add("")) ++count;
  EXPECT_GT(count, 100);
  EXPECT_LT(count, 500);
}

TEST(Merged, RangesCoverAllCellsButTheFirst) {
  MergedCells merged;
  ASSERT_TRUE(merged.add("B2:C4"));
  ASSERT_TRUE(merged.add("E1:F1"));
  ASSERT_TRUE(merged.add("B6:C6"));
  ASSERT_TRUE(merged.add("A9"));
  EXPECT_EQ(merged.sort(), 0U);
  const auto covered = [&](std::uint32_t row) {
    std::string out;
    for (std::uint32_t column = 1; column <= 6; ++column) out += merged.covers({row, column}) ? 'x' : '.';
    return out;
  };
  EXPECT_EQ(covered(1), ".....x");
  EXPECT_EQ(covered(2), "..x...");
  EXPECT_EQ(covered(3), ".xx...");
  EXPECT_EQ(covered(4), ".xx...");
  EXPECT_EQ(covered(5), "......");
  EXPECT_EQ(covered(6), "..x...");
  EXPECT_EQ(covered(9), "......");
}

TEST(Merged, RangesThatOverlapAnEarlierOneAreDropped) {
  MergedCells merged;
  ASSERT_TRUE(merged.add("A1:C3"));
  ASSERT_TRUE(merged.add("C3:D4"));
  ASSERT_TRUE(merged.add("D4:E5"));
  EXPECT_EQ(merged.sort(), 1U);
  EXPECT_FALSE(merged.covers({3, 4}));
  EXPECT_TRUE(merged.covers({4, 5}));
  for (const char* text : {"", "A1:", ":A1", "B2:A1", "A2:B1", "x"}) EXPECT_FALSE(merged.add(text)) << text;
}

}  // namespace
}  // namespace deltadrop::xlsx
