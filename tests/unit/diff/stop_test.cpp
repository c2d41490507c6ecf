#include <fmt/format.h>
#include <gtest/gtest.h>

#include <stop_token>
#include <string>

#include "diff/diff.hpp"
#include "support/diffing.hpp"

namespace deltadrop::diff {
namespace {

using deltadrop::testing::file_over;

Stop requested_stop() {
  std::stop_source source;
  source.request_stop();
  return Stop().on(source.get_token(), {ErrorCode::unavailable, "client-gone", "", ""});
}

std::string rows(int first, int last, const std::string& value) {
  std::string text = "id,value\n";
  for (int id = first; id <= last; ++id) text += fmt::format("{},{}\n", id, value);
  return text;
}

struct Case {
  std::string name;
  std::string before;  ///< empty means no older version
  std::string after;
  bool rekey = false;
};

class DiffStops : public ::testing::TestWithParam<Case> {};

/// The diff fails regardless of earlier findings, because they may be incomplete.
TEST_P(DiffStops, WithItsReason) {
  const Case& given = GetParam();
  deltadrop::testing::DiffOptions read;
  const csv::File old_file = file_over(given.before, read);
  if (given.rekey) read.read.key = {"value"};
  const csv::File new_file = file_over(given.after, read);
  for (const bool checked : {false, true}) {
    const auto outcome =
        diff(given.before.empty() ? nullptr : &old_file, new_file,
             Options{.rekey = given.rekey, .before_is_checked = checked, .stop = requested_stop()});
    ASSERT_TRUE(outcome.has_error());
    EXPECT_EQ(outcome.error().type, "client-gone");
  }
}

INSTANTIATE_TEST_SUITE_P(All, DiffStops,
                         ::testing::Values(Case{"FirstVersion", "", rows(1, 3, "a")},
                                           Case{"SameRows", rows(1, 3, "a"), rows(1, 3, "a")},
                                           Case{"OtherRows", rows(1, 9, "a"), rows(5, 12, "b")},
                                           Case{"RepeatedKeys", rows(1, 3, "a"), rows(1, 3, "a") + "1,b\n"},
                                           Case{"OlderOneIsCorrupt", rows(1, 3, "a") + "1,b\n",
                                                rows(1, 3, "a")},
                                           Case{"AnotherKey", rows(1, 1, "a"), rows(2, 2, "b"), true},
                                           Case{"AnotherColumn", rows(1, 3, "a"), "id,other\n1,a\n"}),
                         [](const auto& each) { return each.param.name; });

}  // namespace
}  // namespace deltadrop::diff
