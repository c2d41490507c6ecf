#include "csv/scan.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "core/text.hpp"

namespace deltadrop::csv {
namespace {

struct Scanned {
  std::string bytes;
  std::int64_t line;
  std::uint64_t fields;
  RowFault fault = RowFault::none;
  bool operator==(const Scanned&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Scanned& row) {
  return out << quoted_for_message(row.bytes) << " line " << row.line << ", " << row.fields
             << " fields, fault " << static_cast<int>(row.fault);
}

std::vector<Scanned> scan(std::string_view text, char delimiter = ',') {
  std::vector<Scanned> rows;
  RowScanner scanner(text, delimiter);
  Row row;
  while (scanner.next(row)) {
    EXPECT_EQ(text.substr(row.offset, row.bytes.size()), row.bytes);
    rows.push_back({std::string(row.bytes), row.line.value, row.fields, row.fault});
  }
  return rows;
}

struct Case {
  std::string name;
  std::string text;
  std::vector<Scanned> rows;
};

class RowScan : public testing::TestWithParam<Case> {};

TEST_P(RowScan, FindsRecords) { EXPECT_EQ(scan(GetParam().text), GetParam().rows); }

INSTANTIATE_TEST_SUITE_P(
    Cases, RowScan,
    testing::Values(
        Case{"nothing", "", {}}, Case{"only_line_ends", "\n\r\n\r\r\n", {}},
        Case{"no_last_line_end", "a,b\nc,d", {{"a,b", 1, 2}, {"c,d", 2, 2}}},
        Case{"mixed_line_ends", "a\r\nb\rc\nd\r\n", {{"a", 1, 1}, {"b", 2, 1}, {"c", 3, 1}, {"d", 4, 1}}},
        Case{"empty_lines_are_counted", "\na\n\n\r\n\rb\n", {{"a", 2, 1}, {"b", 6, 1}}},
        Case{"quoted_line_ends", "a,\"x\ny\r\nz\rw\"\nb,c\n", {{"a,\"x\ny\r\nz\rw\"", 1, 2}, {"b,c", 5, 2}}},
        Case{"quoted_delimiter", "\"a,b\",c\n", {{"\"a,b\",c", 1, 2}}},
        Case{"doubled_quotes", "\"a\"\"\n\"\"\",b\nc\n", {{"\"a\"\"\n\"\"\",b", 1, 2}, {"c", 3, 1}}},
        Case{"empty_quoted", "\"\",\"\"\n\"\"", {{"\"\",\"\"", 1, 2}, {"\"\"", 2, 1}}},
        Case{"quote_inside_unquoted", "5\" pipe,x\n6\",y\n", {{"5\" pipe,x", 1, 2}, {"6\",y", 2, 2}}},
        Case{"space_before_quote", "a, \"b,c\"\n", {{"a, \"b,c\"", 1, 3}}},
        Case{"text_after_quote",
             "\"a\"b,c\nd,e\n",
             {{"\"a\"b,c", 1, 2, RowFault::text_after_quote}, {"d,e", 2, 2}}},
        Case{"unclosed",
             "a,b\nc,\"d\ne,f\n",
             {{"a,b", 1, 2}, {"c,\"d\ne,f\n", 2, 2, RowFault::unclosed_quote}}},
        Case{"unclosed_after_doubled", "\"a\"\"", {{"\"a\"\"", 1, 1, RowFault::unclosed_quote}}},
        Case{"trailing_delimiter", "a,\n,\n", {{"a,", 1, 2}, {",", 2, 2}}},
        Case{"spaces_are_a_record", " \n", {{" ", 1, 1}}}),
    [](const auto& each) { return each.param.name; });

TEST(RowScanFault, SaysWhere) {
  RowScanner after("abc,\"d\"e,f", ',');
  Row row;
  ASSERT_TRUE(after.next(row));
  EXPECT_EQ(row.fault_at, 7U);
  RowScanner unclosed("abc,\"d", ',');
  ASSERT_TRUE(unclosed.next(row));
  EXPECT_EQ(row.fault_at, 4U);
}

BareQuotes bare_quotes(std::string_view text, char delimiter = ',') {
  BareQuotes found;
  RowScanner scanner(text, delimiter);
  scanner.count_bare_quotes(&found);
  Row row;
  while (scanner.next(row)) {
  }
  return found;
}

TEST(BareQuotesOfAText, AreCountedByField) {
  struct TextCase {
    std::string text;
    std::int64_t fields;
    std::int64_t line = 1;
    std::size_t at = 0;
    char delimiter = ',';
  };
  const std::string long_field(200, 'x');
  for (const auto& [text, fields, line, at, delimiter] : std::vector<TextCase>{
           {"", 0},
           {"a,b\n", 0},
           {"\"a\",\"b\"\"c\"\"\",\"\"\n", 0},
           {"\"a,\nb\",\"\"\"\"\n", 0},
           {"a,b\"c,d\n", 1, 1, 3},
           {"a,b\"\n", 1, 1, 3},
           {"a, \"b\"\n", 1, 1, 3},
           {"a,b\"c\"d\"\"\n", 1, 1, 3},
           {"a\"\"b\n", 1, 1, 1},
           {"5\",6\"\r\n7\",\"8\"\"\"", 3, 1, 1},
           {"\"x\ny\",5\",z\n", 1, 1, 7},
           {"a\n\"x\ny\",z\n1,6\"\n", 1, 4, 3},
           {"a;b\"c,\"d\n", 1, 1, 3, ';'},
           {"a,b\"c;\"d\"\n", 1, 1, 3, ';'},
           {long_field + ",\"" + long_field + "\"," + long_field + "\"," + long_field, 1, 1, 604}}) {
    const auto found = bare_quotes(text, delimiter);
    EXPECT_EQ(found.fields(), fields) << text;
    if (fields == 0) continue;
    EXPECT_EQ(found.first_line().value, line) << text;
    EXPECT_EQ(found.first_at(), at) << text;
  }
}

/// Counts the fields with bare quotes character by character, by RFC 4180 and the rule for bare quotes.
/// Returns nothing if a quote is a fault.
std::optional<std::int64_t> bare_fields_slowly(std::string_view text) {
  enum class In : std::uint8_t { start, unquoted, quoted, behind } in = In::start;
  std::int64_t fields = 0;
  bool counted = false;
  for (const char c : text) {
    if (in == In::quoted) {
      if (c == '"') in = In::behind;
    } else if (in == In::behind && c == '"') {
      in = In::quoted;
    } else if (c == ',' || c == '\n' || c == '\r') {
      in = In::start;
      counted = false;
    } else if (in == In::behind) {
      return std::nullopt;
    } else if (c == '"' && in == In::start) {
      in = In::quoted;
    } else {
      in = In::unquoted;
      if (c == '"' && !counted) ++fields;
      counted = counted || c == '"';
    }
  }
  if (in == In::quoted) return std::nullopt;
  return fields;
}

TEST(BareQuotesOfAText, AreThoseOfAReaderOfSingleCharacters) {
  constexpr std::string_view kAlphabet = "aaaaaaa,,\"\n\r";
  std::mt19937 random(20'250'607);
  int judged = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string text;
    const auto length = random() % (i % 10 == 0 ? 200 : 12);
    for (std::size_t at = 0; at < length; ++at) text += kAlphabet[random() % kAlphabet.size()];
    const auto expected = bare_fields_slowly(text);
    if (!expected) continue;
    ++judged;
    ASSERT_EQ(bare_quotes(text).fields(), *expected) << quoted_for_message(text);
  }
  EXPECT_GT(judged, 5'000);
}

TEST(BareQuotesOfAText, CountOnceWhenARowIsReadAgain) {
  const std::string_view text = "a\",b\n5\",6\"\nc,7\"\n";
  BareQuotes found;
  Row row;
  RowScanner first(text, ',');
  first.count_bare_quotes(&found);
  ASSERT_TRUE(first.next(row));
  ASSERT_TRUE(first.next(row));
  RowScanner again(text, ',', row.offset, row.line);
  again.count_bare_quotes(&found);
  while (again.next(row)) {
  }
  EXPECT_EQ(found.fields(), 4);
  EXPECT_EQ(found.first_line(), Line(1));
}

}  // namespace
}  // namespace deltadrop::csv
