#include "csv/file.hpp"

#include <gtest/gtest.h>

namespace deltadrop::csv {
namespace {

TEST(Delimiter, IsFoundInTheHeader) {
  const std::vector<std::pair<std::string, char>> cases = {
      {"a,b,c\n", ','},        {"a;b;c\n1,5;2;3\n", ';'}, {"a\tb\n", '\t'},
      {"a|b|c,d\n", '|'},      {"single\n", ','},         {"", ','},
      {"\"a,b,c\";d\n", ';'},  {"\"a;b;c\",d\n", ','},    {"a,b;c\n", ';'},
      {"\"x\ny,z\"|b\n", '|'}, {"\n\na;b\n", ';'},        {"\"a;b\"\n", ','},
  };
  for (const auto& [text, expected] : cases) {
    EXPECT_EQ(File::over(text, {}, {}).value().header().delimiter, expected) << text;
  }
}

TEST(Header, KnowsTrackedAndKeyColumns) {
  ReadOptions options;
  options.key = {"period", "id"};
  options.ignore = {"exported at", "unknown"};
  const File file = File::over("id,\"exported at\",\"re\"\"v\",period\n", options, {}).value();
  EXPECT_TRUE(file.header_findings().empty());
  EXPECT_EQ(file.header().columns, (std::vector<std::string>{"id", "exported at", "re\"v", "period"}));
  EXPECT_EQ(file.header().tracked, (std::vector<std::size_t>{0, 2, 3}));
  EXPECT_EQ(file.header().key, (std::vector<std::size_t>{3, 0}));
  EXPECT_EQ(file.header().key_column(), "period,id");
  EXPECT_EQ(File::over("\"a,b\",c\n", {}, {}).value().header().key_column(), "a,b");
}

struct Case {
  std::string name;
  std::string text;
  ReadOptions options;
  std::string type;
  std::int64_t line;
  std::optional<std::string> column;
  std::string says;
};

class HeaderFinding : public testing::TestWithParam<Case> {};

TEST_P(HeaderFinding, IsReported) {
  const auto& expected = GetParam();
  const File file = File::over(expected.text, expected.options, Limits{}).value();
  const Findings& findings = file.header_findings();
  ASSERT_EQ(findings.total, 1);
  const Finding& finding = findings.first.front();
  EXPECT_EQ(finding.type, expected.type);
  EXPECT_EQ(finding.line, Line(expected.line));
  EXPECT_EQ(finding.column, expected.column);
  EXPECT_NE(finding.message.find(expected.says), std::string::npos) << finding.message;
  EXPECT_FALSE(finding.fix.empty());
}

ReadOptions with_key(std::vector<std::string> key) {
  ReadOptions options;
  options.key = std::move(key);
  return options;
}

ReadOptions with_ignore(std::vector<std::string> ignore) {
  ReadOptions options;
  options.ignore = std::move(ignore);
  return options;
}

ReadOptions with_encoding(Encoding encoding) {
  ReadOptions options;
  options.encoding = encoding;
  return options;
}

INSTANTIATE_TEST_SUITE_P(
    Cases, HeaderFinding,
    testing::Values(
        Case{"empty", "", {}, "no-header", 1, {}, "empty"},
        Case{"only_line_ends", "\n\r\n", {}, "no-header", 1, {}, "empty"},
        Case{"only_a_mark", "\xEF\xBB\xBF", {}, "no-header", 1, {}, "empty"},
        Case{"blank_name", "id,,b\n", {}, "blank-column-name", 1, "", "column 2 in line 1"},
        Case{"spaces_as_name", "id,b,  \n", {}, "blank-column-name", 1, "  ", "column 3"},
        Case{
            "repeated", "\nid,Net,b,nET\n", {}, "repeated-column-name", 2, "nET", "places 2 and 4 of line 2"},
        Case{"unclosed", "id,\"b\n1,2\n", {}, "unclosed-quote", 1, {}, "never closed"},
        Case{"after_quote", "id,\"b\"x\n", {}, "text-after-quote", 1, {}, "\"x\""},
        Case{"nul", std::string("id,b\0c\n", 7), {}, "nul-byte", 1, {}, "NUL"},
        Case{
            "no_byte_order", "id,b\n", with_encoding(Encoding::utf16), "unknown-byte-order", 1, {}, "UTF-16"},
        Case{"workbook", std::string("PK\x03\x04\x14\0\x06\0a,b\n1,2\n", 16), {}, "not-csv", 1, {}, "Excel"},
        Case{"workbook_without_nul",
             "PK\x03\x04 a,b\n",
             with_encoding(Encoding::utf16),
             "not-csv",
             1,
             {},
             "zip"},
        Case{"empty_zip", "PK\x05\x06", with_encoding(Encoding::latin1), "not-csv", 1, {}, "zip"},
        Case{"old_workbook", "\xD0\xCF\x11\xE0", {}, "not-csv", 1, {}, "no CSV"},
        Case{"empty_utf16", "", with_encoding(Encoding::utf16), "no-header", 1, {}, "empty"},
        Case{"invalid", "id,b\xE9\n", {}, "invalid-utf8", 1, {}, "\\xE9"},
        Case{"missing_key", "id,b\n", with_key({"ID"}), "missing-key-column", 1, "ID", "\"ID\""},
        Case{"ignored_first", "id,b\n", with_ignore({"id"}), "ignored-key-column", 1, "id", "ignored"}),
    [](const auto& each) { return each.param.name; });

TEST(HeaderFindings, AreAllReported) {
  const File file = File::over("a,,A,b,B\n", with_key({"x", "b", "y"}), {}).value();
  std::vector<std::string> types;
  for (const auto& finding : file.header_findings().first) types.push_back(finding.type);
  EXPECT_EQ(types,
            (std::vector<std::string>{"blank-column-name", "repeated-column-name", "repeated-column-name",
                                      "missing-key-column", "missing-key-column"}));
  EXPECT_TRUE(file.header().key.empty());
}

TEST(HeaderFindings, HintAtAnotherSpelling) {
  const File file = File::over("Id,b\n", with_key({"id"}), {}).value();
  EXPECT_NE(file.header_findings().first.front().fix.find("\"Id\""), std::string::npos);
}

TEST(HeaderFindings, LimitColumns) {
  Limits limits;
  limits.columns_max = 3;
  EXPECT_TRUE(File::over("a,b,c\n", {}, limits).value().header_findings().empty());
  const File file = File::over("a,b,c,d\n", {}, limits).value();
  ASSERT_EQ(file.header_findings().total, 1);
  EXPECT_EQ(file.header_findings().first.front().type, "too-many-columns");
  EXPECT_TRUE(file.header().columns.empty());
}

TEST(Options, ThatContradictThemselvesAreRefused) {
  EXPECT_EQ(File::over("a\n", with_key({"a", "a"}), {}).error().type, "bad-key");
  ReadOptions options = with_key({"a"});
  options.ignore = {"a"};
  EXPECT_EQ(File::over("a\n", options, {}).error().type, "ignored-key-column");
}

}  // namespace
}  // namespace deltadrop::csv
