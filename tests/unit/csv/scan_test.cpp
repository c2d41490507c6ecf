#include "csv/scan.hpp"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace deltadrop::csv
