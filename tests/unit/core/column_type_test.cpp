#include "core/column_type.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace deltadrop {
namespace {

std::vector<ColumnType> all_types() {
  std::vector<ColumnType> types(kDeclarableTypes.begin(), kDeclarableTypes.end());
  types.push_back(ColumnType::null);
  return types;
}

TEST(ColumnTypes, HaveNames) {
  for (const auto type : all_types()) EXPECT_EQ(parse_column_type(to_string(type)), type) << to_string(type);
  EXPECT_EQ(to_string(ColumnType::decimal12), "decimal(12)");
  for (const auto* name : {"", "decimal", "decimal(3)", "decimal(2) ", "Int64", "text"}) {
    EXPECT_FALSE(parse_column_type(name)) << name;
  }
}

TEST(ColumnTypes, JoinIsAJoin) {
  for (const auto a : all_types()) {
    EXPECT_EQ(joined(a, a), a);
    EXPECT_EQ(joined(a, ColumnType::null), a);
    EXPECT_EQ(joined(a, ColumnType::string), ColumnType::string);
    for (const auto b : all_types()) {
      const auto both = joined(a, b);
      EXPECT_EQ(both, joined(b, a));
      EXPECT_EQ(joined(a, both), both) << "an upper bound of " << to_string(a) << " and " << to_string(b);
      for (const auto c : all_types()) {
        EXPECT_EQ(joined(both, c), joined(a, joined(b, c)));
        if (joined(a, c) == c && joined(b, c) == c) {
          EXPECT_EQ(joined(both, c), c) << "the least one";
        }
      }
    }
  }
}

TEST(ColumnTypes, MeetInStringUnlessNumbers) {
  using enum ColumnType;
  EXPECT_EQ(joined(int64, decimal2), decimal2);
  EXPECT_EQ(joined(decimal18, decimal4), decimal18);
  EXPECT_EQ(joined(int64, date), string);
  EXPECT_EQ(joined(date, timestamp), string);
  EXPECT_EQ(joined(boolean, int64), string);
  EXPECT_EQ(joined(boolean, decimal2), string);
  EXPECT_EQ(joined(timestamp, decimal2), string);
}

}  // namespace
}  // namespace deltadrop
