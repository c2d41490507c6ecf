#include "ingest/guard.hpp"

#include <gtest/gtest.h>

namespace deltadrop::ingest {
namespace {

struct GuardCase {
  std::string name;
  diff::Counts counts;
  std::vector<diff::SchemaChange> schema_changes;
  GuardFlags flags;
  std::vector<std::string> words;  ///< one word of each expected reason, in order
};

class Guard : public testing::TestWithParam<GuardCase> {};

TEST_P(Guard, GivesTheReasons) {
  const GuardCase& c = GetParam();
  const auto reasons = hold_reasons(c.counts, c.schema_changes, c.flags, Options{});
  ASSERT_EQ(reasons.size(), c.words.size()) << (reasons.empty() ? "no reason" : reasons.front());
  for (std::size_t i = 0; i < reasons.size(); ++i) {
    EXPECT_NE(reasons[i].find(c.words[i]), std::string::npos) << reasons[i];
  }
}

INSTANTIATE_TEST_SUITE_P(
    Cases, Guard,
    testing::Values(
        GuardCase{"first_version", {0, 5, 5, 0, 0}, {}, {}, {}},
        GuardCase{"first_version_without_rows", {0, 0, 0, 0, 0}, {}, {}, {"no rows"}},
        GuardCase{"dry_run", {0, 5, 5, 0, 0}, {}, {true, false, false}, {"dry run"}},
        GuardCase{"forced_dry_run_is_still_held", {0, 0, 0, 0, 0}, {}, {true, true, false}, {"dry run"}},
        GuardCase{"half_deleted_is_not_more_than_half", {20, 10, 0, 0, 10}, {}, {}, {}},
        GuardCase{"more_than_half_deleted", {20, 9, 0, 0, 11}, {}, {}, {"11 of 20 rows"}},
        GuardCase{"small_table_is_not_guarded", {19, 1, 0, 0, 18}, {}, {}, {}},
        GuardCase{"no_rows_in_a_small_table", {3, 0, 0, 0, 3}, {}, {}, {"no rows"}},
        GuardCase{"forced", {20, 0, 0, 0, 20}, {{"price", false, 20}}, {false, true, true}, {}},
        GuardCase{"column_with_values_gone", {20, 20, 0, 7, 0}, {{"price", false, 7}}, {}, {"\"price\""}},
        GuardCase{"column_without_values_gone", {20, 20, 0, 0, 0}, {{"price", false, 0}}, {}, {}},
        GuardCase{"column_gone_from_a_small_table", {19, 19, 0, 7, 0}, {{"price", false, 7}}, {}, {}},
        GuardCase{"column_added", {20, 20, 0, 20, 0}, {{"price", true, 0}}, {}, {}},
        GuardCase{"rekeyed", {3, 3, 3, 0, 3}, {}, {false, false, true}, {"key changes"}},
        GuardCase{
            "rekeyed_large_has_one_reason", {30, 30, 30, 0, 30}, {}, {false, false, true}, {"key changes"}}),
    [](const auto& each) { return each.param.name; });

}  // namespace
}  // namespace deltadrop::ingest
