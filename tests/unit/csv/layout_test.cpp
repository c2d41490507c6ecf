#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "csv/dialect.hpp"
#include "csv/fields.hpp"
#include "csv/file.hpp"

namespace deltadrop::csv {
namespace {

using std::string_literals::operator""s;

ReadOptions options_of(const std::vector<std::pair<std::string, std::string>>& given) {
  ReadOptions options;
  for (const auto& [name, value] : given) {
    if (name == "delimiter") options.delimiter = parse_delimiter(value).value();
    if (name == "key") options.key = parse_column_list(value).value();
    if (name == "empty") options.empty = parse_empty_policy(value).value();
    if (name == "skip_lines") options.skip_lines = parse_skip_lines(value).value();
    if (name == "skip_footer") options.skip_footer = parse_skip_footer(value).value();
    if (name == "footer") options.footer = parse_column_list(value).value();
    if (name == "header") options.has_header = parse_has_header(value).value();
    if (name == "columns") options.columns = parse_column_list(value).value();
    if (name == "unnamed") options.unnamed = parse_unnamed(value).value();
    if (name == "short_rows") options.short_rows = parse_short_rows(value).value();
    if (name == "rules") options.rules = std::stoi(value);
  }
  return options;
}

/// Returns the names of the tracked columns, then each row's values, joined by `|` with `-` for null. Returns
/// the type of the first finding if there is one.
std::string read(const std::string& text, const std::vector<std::pair<std::string, std::string>>& given = {},
                 const Remembered& remembered = {}) {
  const auto opened = File::over(text, options_of(given), Limits{}, remembered);
  if (opened.has_error()) return opened.error().type;
  const File& file = opened.value();
  const Header& header = file.header();
  if (!file.header_findings().empty()) return file.header_findings().first.front().type;
  std::string out;
  for (const auto column : header.tracked) out += header.columns[column] + "|";
  RowScanner scanner = file.rows();
  RowSplitter splitter(header.delimiter, header.columns.size(), file.options().empty);
  Row row;
  while (scanner.next(row)) {
    out += "\n";
    if (!header.takes(row.fields)) out += "!";
    const auto& values = splitter.split(row.bytes);
    for (const auto column : header.tracked) {
      out += is_null(values[column], file.options().empty) ? "-" : std::string(values[column]);
      out += "|";
    }
  }
  return out;
}

TEST(Detection, NeedsAllLinesToAgree) {
  EXPECT_EQ(read("Datum;Betrag, EUR;Saldo, EUR\n2025-01-02;12,50;100,00\n2025-01-03;-3,20;96,80\n"),
            "Datum|Betrag, EUR|Saldo, EUR|\n2025-01-02|12,50|100,00|\n2025-01-03|-3,20|96,80|");
  EXPECT_EQ(read("a,b;c\n1;2\n"), "a,b|c|\n1|2|") << "the comma is not in every line";
  EXPECT_EQ(read("a;b,c\n1,2\n"), "a;b|c|\n1|2|");
  EXPECT_EQ(read("a~b\n1~2\n"), "a|b|\n1|2|");
  EXPECT_EQ(read("a\tb,c\n1\t2,3\n"), "a|b,c|\n1|2,3|") << "a tie that the comma loses";
  EXPECT_EQ(read("id,note\n1,\"a;b\"\n2,\"c\n;d\"\n"), "id|note|\n1|a;b|\n2|c\n;d|");
  EXPECT_EQ(read("\"a;b\",\"c;d\"\n\"1;2\",\"3;4\"\n"), "a;b|c;d|\n1;2|3;4|");
}

TEST(Detection, LooksAtAThousandRecords) {
  std::string text = "a,b;c\n";
  for (int i = 0; i < 1000; ++i) text += "1,2;3\n";
  EXPECT_EQ(File::over(text, {}, {}).value().header().delimiter, ';');
  // Only the sampled lines all have a comma; the same is true of the semicolon.
  EXPECT_EQ(File::over(text + "1,2\n", {}, {}).value().header().delimiter, ';');
  std::string early = "a,b;c\n1,2\n";
  EXPECT_EQ(File::over(early, {}, {}).value().header().delimiter, ',');
}

TEST(Detection, NeverGuesses) {
  EXPECT_EQ(read("a;b|c\n1;2|3\n"), "ambiguous-delimiter");
  EXPECT_EQ(read("a;b\tc\n1;2\t3\n"), "ambiguous-delimiter");
  EXPECT_EQ(read("a~b,c\n1~2,3\n"), "ambiguous-delimiter");
  EXPECT_EQ(read("a^b^c\n1^2^3\n"), "unknown-delimiter");
  EXPECT_EQ(read("a:b\n1:2\n3:4\n"), "unknown-delimiter");
  EXPECT_EQ(read("a\x1F"
                 "b\n1\x1F"
                 "2\n"),
            "unknown-delimiter");
  const File file = File::over("a;b|c\n1;2|3\n", {}, {}).value();
  EXPECT_NE(file.header_findings().first.front().fix.find("is the delimiter right? give delimiter=semicolon"),
            std::string::npos);
  EXPECT_EQ(file.header_findings().total, 1);
  EXPECT_TRUE(file.header().columns.empty());
  const File caret = File::over("a^b^c\n1^2^3\n", {}, {}).value();
  EXPECT_NE(caret.header_findings().first.front().fix.find("is the delimiter right? give delimiter=^"),
            std::string::npos);
}

TEST(Detection, TakesTheOptionOrWhatIsRemembered) {
  EXPECT_EQ(read("a^b\n1^2\n", {{"delimiter", "^"}}), "a|b|\n1|2|");
  EXPECT_EQ(read("a\x1F"
                 "b\n1\x1F"
                 "2\n",
                 {{"delimiter", "\\x1F"}}),
            "a|b|\n1|2|");
  EXPECT_EQ(read("a^b\n1^2\n", {{"delimiter", "comma"}}), "a^b|\n1^2|");
  EXPECT_EQ(read("a;b|c\n1;2|3\n", {}, {'|', {}}), "a;b|c|\n1;2|3|");
  EXPECT_EQ(read("a;b,c\n1;2,3\n", {}, {',', {}}), "a;b|c|\n1;2|3|");
  EXPECT_EQ(read("a^b\n1^2\n", {}, {'^', {}}), "a|b|\n1|2|");
  EXPECT_EQ(read("a^b;c\n1^2;3\n", {}, {'^', {}}), "a|b;c|\n1|2;3|");
  EXPECT_EQ(read("a;b\n1;2\n", {}, {',', {}}), "a|b|\n1|2|") << "another delimiter explains all lines";
  EXPECT_EQ(read("a;b\n", {{"delimiter", ","}}, {';', {}}), "a;b|");
}

TEST(Detection, AcceptsAListOfOneColumn) {
  EXPECT_EQ(read("isin\nDE0001102341\nFR0000120271\n"), "isin|\nDE0001102341|\nFR0000120271|");
  EXPECT_EQ(read("trade-date\n2025-01-02\n2025-01-03\n"), "trade-date|\n2025-01-02|\n2025-01-03|");
  EXPECT_EQ(read("name\n\"Smith, John\"\n"), "name|\nSmith, John|");
  EXPECT_EQ(read("fund_id\nA_1\nB_2\n"), "fund_id|\nA_1|\nB_2|");
  EXPECT_EQ(read("url\nhttp://a\nhttp://b\n"), "url|\nhttp://a|\nhttp://b|");
  EXPECT_EQ(read("a^b\n"), "a^b|") << "one line is not evidence";
}

TEST(Detection, TakesTheFirstLinesWordForIt) {
  EXPECT_EQ(read("sep=;\nid;px\n1;2,5\n"), "id|px|\n1|2,5|");
  EXPECT_EQ(read("\"sep=;\"\r\nid;px\r\n1;2,5\r\n"), "id|px|\n1|2,5|");
  EXPECT_EQ(read("SEP=^\nid^px\n1^2\n"), "id|px|\n1|2|");
  EXPECT_EQ(read("sep=\t\nid\tpx\n1\t2\n"), "id|px|\n1|2|");
  EXPECT_EQ(read("sep=,\nid;x,px\n1;y,2\n"), "id;x|px|\n1;y|2|");
  EXPECT_EQ(read("sep=;\nTitle\nid;px\n1;2\n", {{"skip_lines", "2"}}), "id|px|\n1|2|");
  EXPECT_EQ(read("sep=;\nid,px\n1,2\n", {{"delimiter", ","}}), "id|px|\n1|2|");
  const File file = File::over("sep=;\nid;px\n", {}, {}).value();
  EXPECT_TRUE(file.dialect().delimiter_declared);
  EXPECT_EQ(file.dialect().skip_lines, 1);
}

TEST(Rows, LeaveOutBlankOnesAndTheHeaderAgain) {
  const std::string text = "id,name,px\n1,a,2\n,,\n2,b,3\n \t, ,\n\n\"\",,\" \"\nid,name,px\n3,\"\",x\n";
  EXPECT_EQ(read(text), "id|name|px|\n1|a|2|\n2|b|3|\n3|-|x|");
  const File file = File::over(text, {}, {}).value();
  PassedOver passed;
  RowScanner scanner = file.rows();
  scanner.count_passed(&passed);
  Row row;
  while (scanner.next(row)) {
  }
  EXPECT_EQ(file.skipped(passed), (Skipped{4, 1, 0, 0}));
  EXPECT_EQ(read("id,a\n,x\n,\"\"\"\"\nid,A\nid,a,\n"), "id|a|\n-|x|\n-|\"|\nid|A|\n!id|a|");
  EXPECT_EQ(read(text, {{"rules", "1"}}).find("\n-|-|-|"), read("id,name,px\n1,a,2\n").size());
}

TEST(TrailingDelimiter, IsNotAColumn) {
  EXPECT_EQ(read("id,a,\n1,x,\n2,y,\n"), "id|a|\n1|x|\n2|y|");
  EXPECT_EQ(read("id,a,\n1,x,\" \"\n"), "id|a|\n1|x|");
  EXPECT_EQ(read("id,a,\n"), "id|a|");
  EXPECT_EQ(read("id,a,\n1,x,\n2,y,z\n"), "blank-column-name");
  EXPECT_EQ(read("id,a,\n1,x\n"), "blank-column-name");
  EXPECT_EQ(read("id,a,,\n1,x,,\n"), "blank-column-name");
  EXPECT_EQ(read("1,x,\n2,y,\n", {{"header", "none"}, {"columns", "id,a"}}), "id|a|\n1|x|\n2|y|");
  EXPECT_EQ(read("id,a,\n1,x,\n2,y,\n", {{"unnamed", "number"}}), "id|a|\n1|x|\n2|y|");
  std::string long_text = "id,a,\n";
  for (int i = 0; i < 2000; ++i) long_text += "1,x,\n";
  long_text += "1,x,y\n";
  EXPECT_TRUE(File::over(long_text, {}, {}).value().header().trailing_delimiter);
  EXPECT_FALSE(
      File::over(long_text, options_of({{"unnamed", "drop"}}), {}).value().header().trailing_delimiter)
      << "each row was looked at";
}

TEST(SkipLines, FindsTheHeader) {
  const std::string padded =
      "Example Fund,,\nHoldings as of 2025-01-31,,\n\nisin,name,weight\nDE1,Bund,10.5\nFR2,Total,4.2\n";
  const std::string expected = "isin|name|weight|\nDE1|Bund|10.5|\nFR2|Total|4.2|";
  EXPECT_EQ(read(padded), "lines-above-header");
  EXPECT_EQ(read(padded, {{"skip_lines", "3"}}), expected);
  EXPECT_EQ(read(padded, {{"skip_lines", "auto"}}), expected);
  EXPECT_EQ(read(padded, {{"unnamed", "drop"}}), "lines-above-header");
  const std::string bare =
      "Example Fund\nAs of: 2025-01-31\n\nisin,name,weight\nDE1,Bund,10.5\nFR2,Total,4.2\n";
  EXPECT_EQ(read(bare), "lines-above-header");
  EXPECT_EQ(read(bare, {{"skip_lines", "3"}}), expected);
  EXPECT_EQ(read(bare, {{"skip_lines", "auto"}}), expected);
  const std::string semicolons = "Fund;X\n\nisin;name, short;weight\nDE1;Bund;10,5\nFR2;Total;4,2\n";
  EXPECT_EQ(read(semicolons, {{"skip_lines", "auto"}}),
            "isin|name, short|weight|\nDE1|Bund|10,5|\nFR2|Total|4,2|");
  EXPECT_EQ(read(semicolons), "lines-above-header");
  EXPECT_EQ(read("id,a\n1,x\n", {{"skip_lines", "auto"}}), "id|a|\n1|x|");
  const File file = File::over(bare, options_of({{"skip_lines", "auto"}}), {}).value();
  EXPECT_EQ(file.dialect().skip_lines, 3);
  EXPECT_EQ(file.resolved_options().skip_lines, (SkipLines{false, 3}));
  const File hint = File::over(padded, {}, {}).value();
  EXPECT_NE(hint.header_findings().first.front().fix.find("skip_lines=3"), std::string::npos);
  EXPECT_EQ(read("a\nb\n", {{"skip_lines", "9"}}), "no-header");
}

TEST(SkipLines, IsNotSuggestedForRowsThatAreTooLong) {
  EXPECT_EQ(read("id,a\n1,x,y\n2,x,y\n3,x,y\n"), "id|a|\n!1|x|\n!2|x|\n!3|x|");
  EXPECT_EQ(read("id,name\nA, \"Smith, John\"\nB, \"Doe, Jane\"\n").substr(0, 8), "id|name|");
}

TEST(Footer, EndsTheTable) {
  const std::string text = "id,a\n1,x\n2,y\nTotal,3\n\nEND OF FILE\n";
  const std::string expected = "id|a|\n1|x|\n2|y|";
  EXPECT_EQ(read(text, {{"skip_footer", "3"}}), expected);
  EXPECT_EQ(read(text, {{"footer", "Total,END OF FILE"}}), expected);
  EXPECT_EQ(read(text, {{"footer", "END"}}), expected + "\nTotal|3|");
  EXPECT_EQ(read("id,a\r\n1,x\r\n\"Total: \"\"2\"\"\",2", {{"footer", "\"Total: \"\"\""}}), "id|a|\n1|x|");
  EXPECT_EQ(read("id,a\r\n1,x\r\n2,y\r\nbye", {{"skip_footer", "1"}}), expected);
  EXPECT_EQ(read("id,a\r1,x\r2,y\rbye\r", {{"skip_footer", "1"}}), expected);
  EXPECT_EQ(read("id,a\n1,x\n", {{"skip_footer", "1"}}), "id|a|");
  EXPECT_EQ(read("id,a\n1,x\n", {{"skip_footer", "9"}}), "no-header");
  EXPECT_EQ(read("id,a\n1,x\nThe Total,2\n", {{"footer", "Total"}}), "id|a|\n1|x|\nThe Total|2|");
  const File file = File::over(text, options_of({{"footer", "Total"}}), {}).value();
  EXPECT_EQ(file.skipped({}).footer, 3);
}

TEST(NoHeader, TakesTheColumnsOfTheOptions) {
  const std::string text = "DE0001102341,Bund,99.1\nFR0000120271,TotalEnergies,54.2\n";
  EXPECT_EQ(read(text, {{"header", "none"}, {"columns", "isin,name,px"}}),
            "isin|name|px|\nDE0001102341|Bund|99.1|\nFR0000120271|TotalEnergies|54.2|");
  EXPECT_EQ(read(text, {{"header", "none"}}), "no-columns");
  EXPECT_EQ(read(text, {{"columns", "a,b,c"}}), "bad-columns");
  EXPECT_EQ(read(text, {{"header", "none"}, {"columns", "a"}, {"skip_lines", "auto"}}), "bad-skip-lines");
  EXPECT_EQ(read("Title\n1,2\n", {{"header", "none"}, {"columns", "a,b"}, {"skip_lines", "1"}}),
            "a|b|\n1|2|");
  EXPECT_EQ(read("a,b\n1,2\n", {{"header", "none"}, {"columns", "a,b"}}), "a|b|\na|b|\n1|2|");
  EXPECT_EQ(read("", {{"header", "none"}, {"columns", "a,b"}}), "a|b|");
}

TEST(NoHeader, IsWarnedOf) {
  const auto warning = [](const std::string& text) {
    const File file = File::over(text, {}, {}).value();
    const Findings& found = file.header_warnings();
    return found.empty() ? "" : found.first.front().type + " " + *found.first.front().column;
  };
  EXPECT_EQ(warning("DE0001102341,Bund,99.1\nFR0000120271,Total,54.2\n"),
            "header-looks-like-data DE0001102341");
  EXPECT_EQ(warning("a,2025-01-31\nb,2025-02-28\n"), "header-looks-like-data 2025-01-31");
  EXPECT_EQ(warning("id,2023,2024\nA,1.5,2.5\n"), "");
  EXPECT_EQ(warning("id,2025-01-31\nA,1.5\n"), "");
  EXPECT_EQ(warning("id,a\n1,2\n"), "");
}

TEST(Unnamed, ColumnsAreNumberedOrDropped) {
  const std::string text = ",isin,px\n0,DE0001102341,99.1\n1,FR0000120271,54.2\n";
  EXPECT_EQ(read(text), "blank-column-name");
  EXPECT_NE(File::over(text, {}, {}).value().header_findings().first.front().fix.find("unnamed="),
            std::string::npos);
  EXPECT_EQ(read(text, {{"unnamed", "drop"}}), "isin|px|\nDE0001102341|99.1|\nFR0000120271|54.2|");
  EXPECT_EQ(read(text, {{"unnamed", "number"}}),
            "column_1|isin|px|\n0|DE0001102341|99.1|\n1|FR0000120271|54.2|");
  const auto key_of = [&](const std::string& unnamed) {
    return File::over(text, options_of({{"unnamed", unnamed}}), {}).value().header().key_column();
  };
  EXPECT_EQ(key_of("drop"), "isin");
  EXPECT_EQ(key_of("number"), "column_1");
  EXPECT_EQ(read("column_2,,Column_2_\n1,2,3\n", {{"unnamed", "number"}}),
            "column_2|column_2__|Column_2_|\n1|2|3|");
  EXPECT_EQ(read(",\n1,2\n", {{"unnamed", "drop"}}), "no-header");
}

TEST(ShortRows, ArePaddedOnRequest) {
  EXPECT_EQ(read("id,a,b\n1\n2,x\n3,x,y\n4,x,y,z\n", {{"short_rows", "pad"}}),
            "id|a|b|\n1|-|-|\n2|x|-|\n3|x|y|\n!4|x|y|");
  EXPECT_EQ(read("id;a, c;b\n1;2,5\n2;1,0;3\n", {{"short_rows", "pad"}}), "id|a, c|b|\n1|2,5|-|\n2|1,0|3|");
  EXPECT_EQ(read("id,a,\n1\n2,x,\n", {{"short_rows", "pad"}}), "id|a|\n1|-|\n2|x|");
}

TEST(EmptyQuoted, TellsNullFromEmptyText) {
  EXPECT_EQ(read("id,a,b\n1,,\"\"\n2,\"\",\n", {{"empty", "quoted"}}), "id|a|b|\n1|-||\n2||-|");
  EXPECT_EQ(read("id,a,b\n\"\"\"1\",,\"\"\n", {{"empty", "quoted"}}), "id|a|b|\n\"1|-||") << "read with care";
  EXPECT_EQ(read("id,a,b\n1\n", {{"empty", "quoted"}, {"short_rows", "pad"}}), "id|a|b|\n1|-|-|");
}

TEST(OtherFormats, AreNamed) {
  for (const auto& [text, name] : std::vector<std::pair<std::string, std::string>>{
           {"<!DOCTYPE html>\n<html>", "an HTML page"},
           {"\xEF\xBB\xBF \n<html lang=en>\n", "an HTML page"},
           {"<table>\n<tr>", "an HTML page"},
           {"%PDF-1.7\n", "a PDF document"},
           {"PK\x03\x04\x14\0\x06\0........[Content_Types].xml"s, "XLSX"},
           {"{\"id\": 1}\n", "JSON"},
           {"[\n  {\"id\": 1}]", "JSON"},
           {"<?xml version=\"1.0\"?>", "an XML document"},
           {"PAR1abc", "a Parquet file"}}) {
    const File file = File::over(text, {}, {}).value();
    ASSERT_EQ(file.header_findings().total, 1) << text;
    EXPECT_EQ(file.header_findings().first.front().type, "not-csv");
    EXPECT_NE(file.header_findings().first.front().message.find(name), std::string::npos) << text;
  }
  EXPECT_EQ(read("[1],b\n1,2\n"), "[1]|b|\n1|2|");
  EXPECT_EQ(read("<5%,b\n1,2\n"), "<5%|b|\n1|2|");
}

TEST(RememberedEncoding, IsNotUsedForTextThatIsCertainlyUtf8) {
  const Remembered remembered{{}, Encoding::windows1252};
  EXPECT_EQ(read("id,a\n1,caf\xE9\n", {}, remembered), "id|a|\n1|caf\xC3\xA9|");
  EXPECT_EQ(read("id,a\n1,x\n", {}, remembered), "id|a|\n1|x|");
  EXPECT_EQ(read("\xEF\xBB\xBFid,a\n1,x\n", {}, remembered), "encoding-changed");
  const File file = File::over("id,a\n1,caf\xC3\xA9\n", {}, {}, remembered).value();
  const Finding& finding = file.header_findings().first.front();
  EXPECT_EQ(finding.type, "encoding-changed");
  EXPECT_EQ(finding.line, Line(2));
  EXPECT_NE(finding.message.find("\"caf\xC3\xA9\" as UTF-8"), std::string::npos) << finding.message;
  EXPECT_NE(finding.message.find("\"caf\xC3\x83\xC2\xA9\" as windows-1252"), std::string::npos)
      << finding.message;
}

TEST(ResolvedOptions, ReadTheFileAgain) {
  const std::string text = "Title\n\nid;a;\n1;2,5;\n;;\nTotal;\n";
  const auto given = options_of({{"skip_lines", "auto"}, {"footer", "Total"}});
  const File file = File::over(text, given, {}).value();
  const ReadOptions resolved = file.resolved_options();
  EXPECT_EQ(resolved.delimiter, ';');
  EXPECT_EQ(resolved.skip_lines, (SkipLines{false, 2}));
  EXPECT_EQ(resolved.key, (std::vector<std::string>{"id"}));
  const File again = File::over(text, resolved, {}).value();
  EXPECT_EQ(again.header().columns, file.header().columns);
  EXPECT_EQ(again.resolved_options(), resolved);
}

}  // namespace
}  // namespace deltadrop::csv
