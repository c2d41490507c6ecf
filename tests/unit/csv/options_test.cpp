#include "csv/options.hpp"

#include <gtest/gtest.h>

namespace deltadrop::csv {
namespace {

TEST(Encoding, NamesAreReadInAnyCaseAndWrittenOneWay) {
  struct Case {
    std::string given;
    Encoding expected;
    std::string written;
  };
  for (const auto& [given, expected, written] : {
           Case{"utf-8", Encoding::utf8, "utf-8"},
           Case{"UTF8", Encoding::utf8, "utf-8"},
           Case{"utf-16", Encoding::utf16, "utf-16"},
           Case{"utf-16le", Encoding::utf16le, "utf-16le"},
           Case{"UTF-16BE", Encoding::utf16be, "utf-16be"},
           Case{"latin1", Encoding::latin1, "latin-1"},
           Case{"ISO-8859-1", Encoding::latin1, "latin-1"},
           Case{"Windows-1252", Encoding::windows1252, "windows-1252"},
           Case{"cp1252", Encoding::windows1252, "windows-1252"},
       }) {
    const auto parsed = parse_encoding(given);
    ASSERT_TRUE(parsed.has_value()) << given;
    EXPECT_EQ(parsed.value(), expected) << given;
    EXPECT_EQ(to_string(parsed.value()), written) << given;
  }
  EXPECT_EQ(parse_encoding("ebcdic").error().type, "bad-encoding");
  EXPECT_EQ(parse_encoding("").error().type, "bad-encoding");
}

TEST(EmptyPolicy, ReadsItsTwoNames) {
  EXPECT_EQ(parse_empty_policy("null").value(), EmptyPolicy::null);
  EXPECT_EQ(parse_empty_policy(to_string(EmptyPolicy::text)).value(), EmptyPolicy::text);
  EXPECT_EQ(parse_empty_policy("NULL").error().code, ErrorCode::invalid_input);
}

TEST(Delimiter, ReadsCharactersAndTab) {
  for (const auto& [given, expected] : std::vector<std::pair<std::string, char>>{{",", ','},
                                                                                 {";", ';'},
                                                                                 {"|", '|'},
                                                                                 {"tab", '\t'},
                                                                                 {"TAB", '\t'},
                                                                                 {"\t", '\t'},
                                                                                 {"^", '^'},
                                                                                 {"\\x1F", '\x1f'},
                                                                                 {"comma", ','},
                                                                                 {" ", ' '}}) {
    const auto parsed = parse_delimiter(given);
    ASSERT_TRUE(parsed.has_value()) << given;
    EXPECT_EQ(parsed.value(), expected);
    EXPECT_EQ(parse_delimiter(delimiter_name(expected)).value(), expected);
  }
  for (const std::string& bad :
       std::vector<std::string>{"", "\"", "\n", "\r", "a", "7", ",,", "\xC3\xA9", std::string(1, '\0')}) {
    EXPECT_EQ(parse_delimiter(bad).error().type, "bad-delimiter") << bad;
  }
}

TEST(ColumnList, IsOneRecord) {
  const std::vector<std::pair<std::string, std::vector<std::string>>> cases = {
      {"", {}},
      {"id", {"id"}},
      {"id,period", {"id", "period"}},
      {"\"a,b\",c", {"a,b", "c"}},
      {"\"say \"\"x\"\"\"", {"say \"x\""}}};
  for (const auto& [given, expected] : cases) {
    const auto parsed = parse_column_list(given);
    ASSERT_TRUE(parsed.has_value()) << given;
    EXPECT_EQ(parsed.value(), expected) << given;
    const std::vector<std::string_view> views(expected.begin(), expected.end());
    if (!expected.empty()) {
      EXPECT_EQ(format_record(views), given);
    }
  }
  for (const std::string bad : {"a,,b", ",", "a,a", "\"a", "\"a\"b", "a\nb", "\n"}) {
    EXPECT_EQ(parse_column_list(bad).error().type, "bad-column-list") << bad;
  }
}

TEST(FormatRecord, QuotesWhatNeedsIt) {
  EXPECT_EQ(format_record({"a", "b c", ""}), "a,b c,");
  EXPECT_EQ(format_record({"a,b", "c\"d", "e\nf", "g\rh"}), "\"a,b\",\"c\"\"d\",\"e\nf\",\"g\rh\"");
  EXPECT_EQ(format_record({""}), "\"\"");
}

}  // namespace
}  // namespace deltadrop::csv
