#include "csv/fields.hpp"

#include <gtest/gtest.h>

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
