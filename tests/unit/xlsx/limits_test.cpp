#include <fmt/format.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "unit/xlsx/sample_workbook.hpp"

// Workbooks that cost more than they may: each is refused, with the limit in the message.
namespace deltadrop::xlsx::testing {
namespace {

std::string repeat(std::string_view text, std::size_t count) {
  std::string out;
  out.reserve(text.size() * count);
  for (std::size_t i = 0; i < count; ++i) out += text;
  return out;
}

std::string one_cell(std::string_view xml) { return fmt::format("<row r=\"1\">{}</row>", xml); }

/// What the workbook's CSV is with these limits.
std::string csv_within(const SampleWorkbook& workbook, const std::function<void(Limits&)>& change) {
  Options options = workbook.options();
  change(options.limits);
  return workbook.csv(options);
}

TEST(WorkbookLimits, BoundWhatTheFileExpandsTo) {
  SampleWorkbook workbook;
  workbook.rows(one_cell("<c><v>1</v></c>"), repeat(" ", 100'000));
  EXPECT_EQ(csv_within(workbook, [](Limits& limits) { limits.expanded_bytes_max = 200'000; }), "1\n");
  EXPECT_EQ(csv_within(workbook, [](Limits& limits) { limits.expanded_bytes_max = 100'000; }),
            "workbook-too-large: the workbook is too large: at xl/worksheets/sheet1.xml, its parts expand to "
            "more than "
            "100000 bytes");
}

TEST(WorkbookLimits, BoundTheRatioOfAZipBomb) {
  SampleWorkbook workbook;
  workbook.rows(one_cell("<c><v>1</v></c>"), repeat(" ", 10'000'000));
  const auto csv = csv_within(workbook, [](Limits& limits) { limits.ratio_checked_from_bytes = 1'000'000; });
  EXPECT_TRUE(
      csv.starts_with("workbook-too-large: the workbook is too large: at xl/worksheets/sheet1.xml, its "));
  EXPECT_TRUE(csv.ends_with(" bytes expand to more than 400 times as many, as in a zip bomb")) << csv;
  EXPECT_EQ(csv_within(workbook, [](Limits& limits) { limits.ratio_checked_from_bytes = 100'000'000; }),
            "1\n");
}

TEST(WorkbookLimits, CountASheetOnceAlsoIfItIsReadAgain) {
  SampleWorkbook workbook;
  workbook.rows(one_cell("<c><v>1</v></c>"),
                repeat(" ", 100'000) + R"(<mergeCells><mergeCell ref="A1:B2"/></mergeCells>)");
  EXPECT_EQ(csv_within(workbook, [](Limits& limits) { limits.expanded_bytes_max = 150'000; }), "1\n");
}

TEST(WorkbookLimits, BoundTheMemoryOfSharedStrings) {
  SampleWorkbook workbook;
  workbook.rows(one_cell("<c><v>1</v></c>"));
  for (const auto& strings : {repeat("<si><t>0123456789</t></si>", 1000), repeat("<si/>", 20'000)}) {
    workbook.strings(strings);
    EXPECT_EQ(csv_within(workbook, [](Limits& limits) { limits.shared_strings_bytes_max = 100'000; }), "1\n");
    const auto csv = csv_within(workbook, [](Limits& limits) { limits.shared_strings_bytes_max = 10'000; });
    EXPECT_TRUE(csv.starts_with("workbook-too-large: the workbook is too large: after ")) << csv;
    EXPECT_TRUE(
        csv.ends_with("the shared strings in xl/sharedStrings.xml need more than 10000 bytes of memory"))
        << csv;
  }
}

TEST(WorkbookLimits, BoundOneSharedString) {
  SampleWorkbook workbook;
  workbook.strings("<si><t>a</t></si><si>" + repeat("<r><t>0123456789</t></r>", 101) + "</si>");
  EXPECT_EQ(csv_within(workbook, [](Limits& limits) { limits.cell_bytes_max = 1000; }),
            "workbook-too-large: the workbook is too large: shared string 1 in xl/sharedStrings.xml has more "
            "than 1000 "
            "bytes");
}

TEST(WorkbookLimits, BoundACell) {
  SampleWorkbook workbook;
  const std::string text(1001, 'x');
  for (const auto& cell : {"<c r=\"A1\" t=\"str\"><v>" + text + "</v></c>",
                           "<c r=\"A1\" t=\"inlineStr\"><is><t>" + text + "</t></is></c>"}) {
    workbook.rows(one_cell(cell));
    EXPECT_EQ(csv_within(workbook, [](Limits& limits) { limits.cell_bytes_max = 1001; }), text + "\n");
    EXPECT_EQ(
        csv_within(workbook, [](Limits& limits) { limits.cell_bytes_max = 1000; }),
        "workbook-too-large: the workbook is too large: cell A1 of sheet \"Data\" has more than 1000 bytes");
  }
}

TEST(WorkbookLimits, BoundARow) {
  SampleWorkbook workbook;
  workbook.strings("<si><t>" + std::string(500, 'x') + "</t></si>");
  workbook.rows(one_cell(repeat("<c t=\"s\"><v>0</v></c>", 3)));
  EXPECT_EQ(csv_within(workbook, [](Limits& limits) { limits.row_bytes_max = 1502; }),
            repeat(std::string(500, 'x') + ",", 2) + std::string(500, 'x') + "\n");
  EXPECT_EQ(
      csv_within(workbook, [](Limits& limits) { limits.row_bytes_max = 1501; }),
      "workbook-too-large: the workbook is too large: row 1 of sheet \"Data\" has more than 1501 bytes");
}

TEST(WorkbookLimits, BoundRowsAndColumns) {
  SampleWorkbook workbook;
  workbook.rows(R"(<row r="1048577"><c><v>1</v></c></row>)");
  EXPECT_EQ(workbook.csv(),
            "workbook-too-large: the workbook is too large: sheet \"Data\" has a row 1048577; 1048576 rows "
            "are allowed");
  workbook.rows(one_cell(R"(<c r="XFE1"><v>1</v></c>)"));
  EXPECT_EQ(workbook.csv(),
            "workbook-too-large: the workbook is too large: cell XFE1 of sheet \"Data\" is beyond the 16384 "
            "columns that "
            "are allowed");
}

TEST(WorkbookLimits, BoundTheCsv) {
  SampleWorkbook workbook;
  // One long text in many cells.
  workbook.strings("<si><t>" + std::string(500, 'x') + "</t></si>");
  workbook.rows(repeat("<row><c t=\"s\"><v>0</v></c></row>", 100));
  EXPECT_EQ(csv_within(workbook, [](Limits& limits) { limits.csv_bytes_max = 50'100; }).size(), 50'100U);
  EXPECT_EQ(csv_within(workbook, [](Limits& limits) { limits.csv_bytes_max = 50'099; }),
            "workbook-too-large: the workbook is too large: row 100 makes its CSV larger than 50099 bytes");
  // One far cell makes all rows long: the first, and the last.
  const std::string wide = "<row><c r=\"XFD{}\"><v>1</v></c></row>";
  workbook.rows(fmt::format(fmt::runtime(wide), 1) + repeat("<row><c><v>1</v></c></row>", 100));
  EXPECT_TRUE(
      csv_within(workbook, [](Limits& limits) {
        limits.csv_bytes_max = 1'000'000;
      }).starts_with("workbook-too-large: the workbook is too large: row 62 makes its CSV larger than"));
  workbook.rows(repeat("<row><c><v>1</v></c></row>", 100) + fmt::format(fmt::runtime(wide), 101));
  const auto csv = csv_within(workbook, [](Limits& limits) { limits.csv_bytes_max = 1'000'000; });
  EXPECT_TRUE(csv.ends_with(
      "workbook-too-large: the workbook is too large: row 101 makes its CSV larger than 1000000 bytes"));
  EXPECT_LT(csv.size(), 1'000'200U);
}

TEST(WorkbookLimits, BoundTheEntriesOfTheZipFile) {
  SampleWorkbook workbook;
  workbook.rows(one_cell("<c><v>1</v></c>"));
  EXPECT_EQ(csv_within(workbook, [](Limits& limits) { limits.entries_max = 6; }), "1\n");
  EXPECT_EQ(csv_within(workbook, [](Limits& limits) { limits.entries_max = 5; }),
            "workbook-too-large: the workbook is too large: its zip file has more than 5 entries");
}

TEST(WorkbookLimits, BoundSheetsAndMergedCells) {
  SampleWorkbook workbook;
  EXPECT_EQ(csv_within(workbook, [](Limits& limits) { limits.sheets_max = 0; }),
            "workbook-too-large: the workbook is too large: it has more than 0 sheets");
  workbook.rows("", R"(<mergeCells><mergeCell ref="A1:B1"/><mergeCell ref="A2:B2"/></mergeCells>)");
  EXPECT_EQ(csv_within(workbook, [](Limits& limits) { limits.merged_ranges_max = 2; }), "");
  EXPECT_EQ(csv_within(workbook, [](Limits& limits) { limits.merged_ranges_max = 1; }),
            "workbook-too-large: the workbook is too large: sheet \"Data\" has more than 1 merged cells");
}

TEST(WorkbookLimits, BoundPartsThatAreKept) {
  SampleWorkbook workbook;
  workbook.formats({std::string(3000, '0')});
  EXPECT_EQ(csv_within(workbook, [](Limits& limits) { limits.part_bytes_max = 2000; }),
            "workbook-too-large: the workbook is too large: xl/styles.xml expands to more than 2000 bytes");
}

TEST(WorkbookLimits, BoundTheDepthOfElements) {
  SampleWorkbook workbook;
  workbook.rows("", repeat("<a>", 62) + repeat("</a>", 62));
  EXPECT_EQ(workbook.csv(), "");
  // Also where it is skipped.
  workbook.rows("", repeat("<a>", 100'000) + repeat("</a>", 100'000));
  const auto csv = workbook.csv();
  EXPECT_TRUE(csv.starts_with(
      "workbook-too-large: the workbook is too large: xl/worksheets/sheet1.xml, line 1, column "));
  EXPECT_TRUE(csv.ends_with(", nests elements more than 64 deep")) << csv;
}

TEST(WorkbookLimits, BoundATag) {
  SampleWorkbook workbook;
  workbook.rows("", "<a b=\"" + std::string(3'000'000, 'x') + "\"/>");
  const auto csv = workbook.csv();
  EXPECT_TRUE(csv.ends_with("has a tag or a comment of more than 1048576 bytes")) << csv;
  EXPECT_TRUE(csv.starts_with("workbook-too-large: ")) << csv;
  workbook.rows("", "<!--" + std::string(3'000'000, 'x') + "-->");
  EXPECT_TRUE(workbook.csv().starts_with("workbook-too-large: "));
}

TEST(WorkbookLimits, BoundTheMemoryForNames) {
  SampleWorkbook workbook;
  std::string elements;
  std::string attributes;
  for (int i = 0; i < 100'000; ++i) {
    elements += fmt::format("<a{}/>", i);
    attributes += fmt::format("<a a{}=\"\"/>", i);
  }
  for (const auto& xml : {elements, attributes}) {
    workbook.rows("", xml);
    EXPECT_EQ(workbook.csv(), "");
    const auto csv = csv_within(workbook, [](Limits& limits) { limits.xml_memory_bytes_max = 2'000'000; });
    EXPECT_TRUE(csv.starts_with("workbook-too-large: ")) << csv;
    EXPECT_TRUE(csv.ends_with("that reading it needs more than 2000000 bytes")) << csv;
  }
}

}  // namespace
}  // namespace deltadrop::xlsx::testing
