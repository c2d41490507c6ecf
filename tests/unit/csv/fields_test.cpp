#include "csv/fields.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "csv/file.hpp"
#include "csv/key_reader.hpp"

namespace deltadrop::csv {
namespace {

using Values = std::vector<std::string_view>;

TEST(RowSplitter, Unquotes) {
  const std::vector<std::pair<std::string, Values>> cases = {
      {"a,b", {"a", "b"}},
      {"", {""}},
      {",", {"", ""}},
      {"a,", {"a", ""}},
      {"\"a\",\"\"", {"a", ""}},
      {"\"a,b\",c", {"a,b", "c"}},
      {"\"say \"\"hi\"\"\",\"\"\"\",x", {"say \"hi\"", "\"", "x"}},
      {"5\" pipe,\"x\ny\"", {"5\" pipe", "x\ny"}},
      {" \"a\"", {" \"a\""}},
  };
  RowSplitter splitter(',');
  for (const auto& [record, expected] : cases) EXPECT_EQ(splitter.split(record), expected) << record;
}

TEST(RowSplitter, KeepsViewsValidThroughManyDoubledQuotes) {
  std::string record;
  for (int i = 0; i < 200; ++i)
    record += (i == 0 ? "" : ";") + std::string("\"v\"\"") + std::to_string(i) + "\"";
  RowSplitter splitter(';');
  const auto& values = splitter.split(record);
  ASSERT_EQ(values.size(), 200U);
  for (std::size_t i = 0; i < values.size(); ++i) EXPECT_EQ(values[i], "v\"" + std::to_string(i));
}

TEST(RowSplitter, AddsTheValuesThatARecordLacks) {
  RowSplitter splitter(',', 4);
  for (const std::string record : {"a,b", "a,\"b\"", "a,\"b\"\"\""}) {
    const auto& values = splitter.split(record);
    ASSERT_EQ(values.size(), 4U) << record;
    EXPECT_EQ(values[0], "a");
    EXPECT_EQ(values[2], "");
    EXPECT_EQ(values[3], "");
  }
  EXPECT_EQ(splitter.split("a,b,c,d,e").size(), 5U);
}

TEST(RowSplitter, AgreesWithTheFieldsOneByOne) {
  const std::vector<std::string> fields = {
      "", "a", "12.50", "\"\"", "\"x,y\"", "\"p\"\"q\"", "5\" in", "long value", " ", "\"z\nz\"", "\"\"\"\""};
  for (unsigned seed = 0; seed < 5'000; ++seed) {
    std::mt19937 random(seed);
    std::string record = fields[random() % fields.size()];
    for (auto more = random() % 150; more > 0; --more)
      record += "," + fields[random() % (more % 3 == 0 ? 11 : 4)];
    std::vector<std::string> expected;
    FieldCursor cursor(record, ',');
    RawField field;
    while (cursor.next(field)) {
      expected.emplace_back();
      if (field.doubled) {
        append_undoubled(expected.back(), field.inner);
      } else {
        expected.back() = field.inner;
      }
    }
    RowSplitter splitter(',');
    for (int round = 0; round < 2; ++round) {
      const auto& values = splitter.split(record);
      ASSERT_EQ(std::vector<std::string>(values.begin(), values.end()), expected) << record;
    }
  }
}

TEST(KeyReader, ReadsSingleAndCompositeKeys) {
  struct Case {
    std::vector<std::string> key;
    std::string record;
    std::string expected;
    bool empty = false;
  };
  for (const auto& [key, record, expected, empty] : {
           Case{{}, "\"F\"\"1\",b,c", "F\"1"},
           Case{{"z"}, "a,b,\"c\"", "c"},
           Case{{"x"}, "\"\",b,c", "", true},
           Case{{"z", "x"}, "a,b,c", "c,a"},
           Case{{"x", "y"}, "\"a,1\",\"q\"\"q\",c", "\"a,1\",\"q\"\"q\""},
           Case{{"x", "y"}, ",b,", ",b"},
           Case{{"x", "y"}, ",\"\",c", ",", true},
           Case{{"z"}, "a", "a"},  // too short: the file was written to, so any of its text is acceptable
           Case{{"x", "z"}, "a,b", "a,"},
       }) {
    ReadOptions options;
    options.key = key;
    const File file = File::over("x,y,z\n", options, Limits{}).value();
    KeyReader reader(file.header());
    EXPECT_EQ(reader.read(record), expected) << record;
    EXPECT_EQ(reader.last_was_empty(), empty) << record;
  }
}

}  // namespace
}  // namespace deltadrop::csv
