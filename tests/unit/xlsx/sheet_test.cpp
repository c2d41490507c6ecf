#include <fmt/format.h>
#include <gtest/gtest.h>

#include <stop_token>
#include <string>

#include "support/result_check.hpp"
#include "unit/xlsx/sample_workbook.hpp"

namespace deltadrop::xlsx::testing {
namespace {

std::string number(std::string_view place, std::string_view value, std::string_view more = "") {
  return fmt::format(R"(<c r="{}" {}><v>{}</v></c>)", place, more, value);
}

std::string warnings_of(const Conversion& conversion) {
  std::string out;
  for (const auto& [type, message, count] : conversion.warnings) {
    out += fmt::format("{} x{}: {}\n", type, count, message);
  }
  return out;
}

TEST(Sheets, KeepNumbersAsStored) {
  SampleWorkbook workbook;
  workbook.rows("<row r=\"1\">" + number("A1", "0.30000000000000004") + number("B1", "1E5") +
                number("C1", "9007199254740993") + number("D1", " 7 ") + number("E1", "-0") + "</row>");
  EXPECT_EQ(workbook.csv(), "0.30000000000000004,1E5,9007199254740993,7,-0\n");
}

TEST(Sheets, HaveCellsOfAllTypes) {
  SampleWorkbook workbook;
  workbook.strings("<si><t>shared</t></si><si><t>sec,ond</t></si>");
  workbook.rows(R"(<row r="1">
    <c r="A1" t="s"><v>1</v></c><c r="B1" t="s"><v>0</v></c><c r="C1" t="inlineStr"><is><t>inline</t></is></c>
    <c r="D1" t="str"><f>A1</f><v>a &amp; b</v></c><c r="E1" t="b"><v>1</v></c><c r="F1" t="b"><v>0</v></c>
    <c r="G1" t="e"><v>#N/A</v></c><c r="H1" t="d"><v>2024-02-29</v></c><c r="I1" t="n"><v>5</v></c>
    <c r="J1"><f>1+1</f><v>2</v></c></row>)");
  EXPECT_EQ(workbook.csv(), "\"sec,ond\",shared,inline,a & b,TRUE,FALSE,#N/A,2024-02-29,5,2\n");
  EXPECT_EQ(warnings_of(workbook.convert()), "");
}

TEST(Sheets, PutCellsWhereTheirReferencesSay) {
  SampleWorkbook workbook;
  workbook.rows("<row r=\"2\">" + number("B2", "1") + number("D2", "2") +
                "</row><row><c><v>3</v></c><c/><c><v>4</v></c>" + number("AA3", "5") + "</row><row r=\"6\">" +
                number("A6", "6") + "</row>");
  EXPECT_EQ(workbook.csv(), "\n,1,,2" + std::string(23, ',') + "\n3,,4" + std::string(24, ',') + "5\n\n\n6" +
                                std::string(26, ',') + "\n");
  const Conversion conversion = workbook.convert();
  EXPECT_EQ(conversion.rows, 6U);
  EXPECT_EQ(conversion.columns, 27U);
}

TEST(Sheets, AreCutAfterTheLastValue) {
  SampleWorkbook workbook;
  workbook.rows("<row r=\"1\">" + number("A1", "1") +
                R"(<c r="B1" s="1"/><c r="C1"><v/></c></row><row r="9"><c r="Z9" s="0"/></row>)");
  EXPECT_EQ(workbook.csv(), "1\n");
  EXPECT_EQ(workbook.convert().rows, 1U);
  EXPECT_EQ(SampleWorkbook().csv(), "");
}

TEST(Sheets, KeepHiddenRowsAndColumns) {
  SampleWorkbook workbook;
  workbook.rows("<row r=\"1\" hidden=\"1\">" + number("A1", "1") + "</row><row r=\"2\">" + number("A2", "2") +
                "</row>");
  EXPECT_EQ(workbook.csv(), "1\n2\n");
}

TEST(Sheets, HaveRecordsOfOneLengthAlsoWhereALaterRowIsWider) {
  SampleWorkbook workbook;
  std::string rows;
  std::string expected;
  for (int row = 1; row <= 3; ++row) {
    rows += fmt::format(R"(<row r="{0}"><c r="A{0}" t="inlineStr"><is><t>a"x
y</t></is></c></row>)",
                        row * 2);
    expected += "\n\"a\"\"x\ny\",,\n";
  }
  rows += "<row r=\"7\">" + number("C7", "3") + "</row><row r=\"8\">" + number("A8", "4") + "</row>";
  workbook.rows(rows);
  EXPECT_EQ(workbook.csv(), expected + ",,3\n4,,\n");
}

TEST(Sheets, ThatDoNotFitInMemoryComeFromTheScratchFolder) {
  SampleWorkbook workbook;
  std::string rows;
  std::string expected;
  const std::string text(1000, 'x');
  const int count = 20000;
  for (int row = 1; row <= count; ++row) {
    rows += fmt::format(R"(<row><c t="inlineStr"><is><t>{}{}</t></is></c></row>)", text, row);
    expected += fmt::format("{}{},{}\n", text, row, row == count ? "2" : "");
  }
  rows.replace(rows.rfind("</row>"), 6, "<c><v>2</v></c></row>");
  workbook.rows(rows);
  Options options = workbook.options();
  EXPECT_TRUE(workbook.csv(options, {.stored = true}) == expected);
  options.scratch = "/nowhere";
  EXPECT_NE(workbook.csv(options, {.stored = true}).find("/nowhere"), std::string::npos);
}

TEST(Sheets, JoinTheRunsOfATextWithoutPhoneticOnes) {
  SampleWorkbook workbook;
  workbook.strings(R"(<si><r><rPr><b/></rPr><t xml:space="preserve">one </t></r><r><t>two</t></r></si>)"
                   R"(<si><t>kanji</t><rPh sb="0" eb="1"><t>kana</t></rPh><phoneticPr fontId="1"/></si>)"
                   R"(<si/>)");
  workbook.rows(
      R"(<row><c t="s"><v>0</v></c><c t="s"><v>1</v></c><c t="s"><v>2</v></c><c t="inlineStr"><is><r><t>in</t></r>)"
      R"(<r><t>line</t></r><rPh sb="0" eb="1"><t>no</t></rPh></is></c></row>)");
  EXPECT_EQ(workbook.csv(), "one two,kanji,,inline\n");
}

TEST(Sheets, KeepTheSpaceThatIsToBePreserved) {
  SampleWorkbook workbook;
  workbook.strings(
      "<si><t> cut\n</t></si><si><t xml:space=\"preserve\"> kept </t></si><si xml:space=\"preserve\"><t> as "
      "</t></si>"
      "<si xml:space=\"preserve\"><t xml:space=\"default\"> not </t></si>");
  workbook.rows(
      R"(<row><c t="s"><v>0</v></c><c t="s"><v>1</v></c><c t="s"><v>2</v></c><c t="s"><v>3</v></c></row>)");
  EXPECT_EQ(workbook.csv(), "cut, kept , as ,not\n");
}

TEST(Sheets, DecodeEscapesInTexts) {
  SampleWorkbook workbook;
  workbook.strings("<si><t>a_x000D_b</t></si>");
  workbook.rows(
      R"(<row><c t="s"><v>0</v></c><c t="str"><f>x</f><v>_x0041_</v></c><c t="inlineStr"><is><t>_x005F_x0041_</t></is></c></row>)");
  EXPECT_EQ(workbook.csv(), "\"a\rb\",A,_x0041_\n");
}

TEST(Sheets, ShowDatesAndCodesAsTheirStyleSays) {
  SampleWorkbook workbook;
  workbook.formats({"yyyy-mm-dd", "yyyy-mm-dd hh:mm:ss", "h:mm", "[h]:mm", "00000"});
  workbook.rows("<row r=\"1\">" + number("A1", "45351", "s=\"1\"") + number("B1", "45351.5", "s=\"2\"") +
                number("C1", "0.25", "s=\"3\"") + number("D1", "1.25", "s=\"4\"") +
                number("E1", "42", "s=\"5\"") + number("F1", "4.2", "s=\"5\"") +
                number("G1", "45351", "s=\"99\"") + number("H1", "x", "s=\"1\"") +
                number("I1", "2024-02-29T00:00:00", "s=\"1\" t=\"d\"") + "</row>");
  EXPECT_EQ(workbook.csv(),
            "2024-02-29,2024-02-29T12:00:00,06:00:00,30:00:00,00042,4.2,45351,x,2024-02-29\n");
  EXPECT_EQ(workbook.from_1904().csv().substr(0, 10), "2028-03-01");
  EXPECT_EQ(workbook.convert().dates, DateSystem::from_1904);
}

TEST(Sheets, WarnOfNumbersThatAreNoDates) {
  SampleWorkbook workbook;
  workbook.formats({"yyyy-mm-dd"});
  workbook.rows("<row r=\"1\">" + number("A1", "60", "s=\"1\"") + number("B1", "-5", "s=\"1\"") + "</row>");
  EXPECT_EQ(workbook.csv(), "60,-5\n");
  EXPECT_EQ(warnings_of(workbook.convert()),
            "not-a-date x2: cell A1 of sheet \"Data\" has the style of a date, but no date has its number, "
            "\"60\"; the CSV "
            "has the number (the first of 2)\n");
}

TEST(Sheets, WarnOfFormulasWithoutAValue) {
  SampleWorkbook workbook;
  workbook.rows(
      R"(<row r="1"><c r="A1"><v>1</v></c><c r="B1"><f>A1+1</f></c><c r="C1"><f>A1+2</f><v></v></c>)"
      R"(<c r="D1" t="str"><f>""</f><v></v></c></row>)");
  EXPECT_EQ(workbook.csv(), "1\n");
  EXPECT_EQ(warnings_of(workbook.convert()),
            "formula-without-value x2: cell B1 of sheet \"Data\" has a formula whose result the file does "
            "not hold; the "
            "CSV has an empty field there (the first of 2)\n");
}

TEST(Sheets, GiveMergedCellsToTheFirst) {
  SampleWorkbook workbook;
  workbook.rows("<row r=\"1\">" + number("A1", "1") + number("B1", "2") + number("C1", "3") +
                    "</row><row r=\"2\">" + number("A2", "4") + number("B2", "5") + number("C2", "6") +
                    "</row>",
                R"(<mergeCells count="1"><mergeCell ref="A1:B2"/></mergeCells>)");
  EXPECT_EQ(workbook.csv(), "1,,3\n,,6\n");
  EXPECT_EQ(warnings_of(workbook.convert()),
            "covered-by-merged-cell x3: cell B1 of sheet \"Data\" has a value, but a merged cell covers it; "
            "the CSV has "
            "an empty field there (the first of 3)\n");
}

constexpr std::string_view kMain = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
constexpr std::string_view kOffice = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";

/// Sheets "Notes" (hidden), "Däta", "Chart" and "2".
void add_sheets(SampleWorkbook& workbook) {
  workbook.rows("<row>" + number("A1", "1") + "</row>");
  workbook.set(
      "xl/worksheets/other.xml",
      fmt::format(
          R"(<x:worksheet xmlns:x="{}"><x:sheetData><x:row><x:c><x:v>2</x:v></x:c></x:row></x:sheetData>)"
          R"(<sheetData><row><c><v>9</v></c></row></sheetData></x:worksheet>)",
          kMain));
  workbook.set(
      "xl/workbook.xml",
      fmt::format(
          R"(<workbook xmlns="{}" xmlns:r="{}"><sheets><sheet name="Notes" state="hidden" r:id="a"/>)"
          R"(<sheet name="D&#228;ta" r:id="b"/><sheet name="Chart" r:id="c"/><sheet name="2" r:id="a"/>)"
          R"(</sheets></workbook>)",
          kMain, kOffice));
  workbook.set(
      "xl/_rels/workbook.xml.rels",
      fmt::format(R"(<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">)"
                  R"(<Relationship Id="a" Type="{0}/worksheet" Target="../xl/worksheets/./other.xml"/>)"
                  R"(<Relationship Id="b" Type="{0}/worksheet" Target="/xl/worksheets/SHEET1.xml"/>)"
                  R"(<Relationship Id="c" Type="{0}/chartsheet" Target="chartsheets/sheet1.xml"/>)"
                  R"(</Relationships>)",
                  kOffice));
}

TEST(Workbooks, GiveTheSheetThatIsNamedOrNumbered) {
  SampleWorkbook workbook;
  add_sheets(workbook);
  const std::pair<std::string, std::string> cases[] = {
      {"", "1\n"},
      {"D\xC3\xA4ta", "1\n"},
      {"d\xC3\xA4TA", "1\n"},
      {"Notes", "2\n"},
      {"1", "2\n"},
      {"2", "2\n"},  // a name wins over a number
      {"4", "2\n"},
      {"3",
       "no-such-sheet: sheet \"Chart\" is a \"chartsheet\" without cells; its sheets are \"Notes\", "
       "\"D\xC3\xA4ta\", "
       "\"Chart\", \"2\""},
      {"5",
       "no-such-sheet: the workbook has no sheet \"5\"; its sheets are \"Notes\", \"D\xC3\xA4ta\", "
       "\"Chart\", \"2\""},
      {"0",
       "no-such-sheet: the workbook has no sheet \"0\"; its sheets are \"Notes\", \"D\xC3\xA4ta\", "
       "\"Chart\", \"2\""},
  };
  for (const auto& [sheet, expected] : cases) {
    Options options = workbook.options();
    options.sheet = sheet;
    EXPECT_EQ(workbook.csv(options), expected) << sheet;
  }
  const Conversion conversion = workbook.convert();
  EXPECT_EQ(conversion.sheet, "D\xC3\xA4ta");
  EXPECT_EQ(conversion.sheets, (std::vector<std::string>{"Notes", "D\xC3\xA4ta", "Chart", "2"}));
  EXPECT_EQ(warnings_of(conversion),
            "hidden-sheet-passed-over x1: sheet \"Notes\" is hidden and was not read; name it with sheet= to "
            "read it\n");
}

TEST(Workbooks, MayBeStrict) {
  SampleWorkbook workbook;
  workbook.strings("<si><t>text</t></si>");
  workbook.formats({"yyyy"});
  workbook.rows(R"(<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" s="1"><v>45351</v></c></row>)");
  SampleWorkbook strict;
  for (ZipPart part : workbook.parts()) {
    const std::pair<std::string, std::string> namespaces[] = {
        {std::string(kMain), "http://purl.oclc.org/ooxml/spreadsheetml/main"},
        {std::string(kOffice), "http://purl.oclc.org/ooxml/officeDocument/relationships"}};
    for (const auto& [from, to] : namespaces) {
      for (auto at = part.bytes.find(from); at != std::string::npos; at = part.bytes.find(from)) {
        part.bytes.replace(at, from.size(), to);
      }
    }
    strict.set(part.name, part.bytes);
  }
  EXPECT_EQ(strict.csv(), "text,2024-02-29\n");
}

TEST(Workbooks, MayBeZip64OrStored) {
  SampleWorkbook workbook;
  workbook.rows("<row>" + number("A1", "1") + "</row>");
  EXPECT_EQ(workbook.csv(workbook.options(), {.stored = true}), "1\n");
  EXPECT_EQ(workbook.csv(workbook.options(), {.zip64 = true}), "1\n");
}

TEST(Workbooks, MayLackStylesAndSharedStrings) {
  SampleWorkbook workbook;
  workbook.remove("xl/styles.xml").remove("xl/sharedStrings.xml");
  workbook.set(
      "xl/_rels/workbook.xml.rels",
      fmt::format(
          R"(<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">)"
          R"(<Relationship Id="rId1" Type="{0}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>)",
          kOffice));
  workbook.rows("<row>" + number("A1", "1", "s=\"3\"") + "</row>");
  EXPECT_EQ(workbook.csv(), "1\n");
}

TEST(Workbooks, SayHowFarTheReadingIs) {
  SampleWorkbook workbook;
  std::string rows;
  for (int i = 0; i < 20000; ++i) rows += "<row><c><v>1</v></c></row>";
  workbook.rows(rows);
  Options options = workbook.options();
  Progress last;
  int calls = 0;
  options.on_progress = [&](const Progress& progress) {
    EXPECT_GE(progress.expanded_bytes, last.expanded_bytes);
    EXPECT_GE(progress.rows, last.rows);
    last = progress;
    ++calls;
  };
  EXPECT_EQ(workbook.convert(options).rows, 20000U);
  EXPECT_EQ(last.rows, 20000U);
  EXPECT_GT(calls, 5);
}

TEST(Workbooks, AreLeftWhenAStopIsRequested) {
  SampleWorkbook workbook;
  std::string rows;
  for (int i = 0; i < 20000; ++i) rows += "<row><c><v>1</v></c></row>";
  workbook.rows(rows);
  std::stop_source source;
  const Stop stop = Stop().on(source.get_token(), {ErrorCode::shutting_down, "stopping", "it stops", ""});
  Options options = workbook.options();
  options.on_progress = [&](const Progress& progress) {
    EXPECT_LT(progress.rows, 10000U);
    source.request_stop();
  };
  bool given = false;
  const auto done = convert_to_csv(
      workbook.write(), options,
      [&](std::string_view) -> Result<void> {
        given = true;
        return success();
      },
      stop);
  EXPECT_EQ(::deltadrop::testing::error_of(done), "shutting_down/stopping");
  EXPECT_FALSE(given);
}

TEST(Workbooks, EndWithTheErrorOfTheirSink) {
  SampleWorkbook workbook;
  workbook.rows("<row>" + number("A1", "1") + "</row>");
  const auto done = convert_to_csv(
      workbook.write(), workbook.options(),
      [](std::string_view) -> Result<void> { return Error{ErrorCode::unavailable, "disk-full", "full", ""}; },
      Stop());
  EXPECT_EQ(::deltadrop::testing::error_of(done), "unavailable/disk-full");
}

}  // namespace
}  // namespace deltadrop::xlsx::testing
