#include "http/ranges.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

namespace deltadrop::http {
namespace {

struct RangeCase {
  std::string range;
  std::uint64_t size;
  Selection selection;
  std::uint64_t first = 0;
  std::uint64_t bytes = 0;
};

TEST(Ranges, SelectTheRequestedPart) {
  const std::string huge = "99999999999999999999999999";
  const std::vector<RangeCase> cases = {
      {"bytes=0-0", 10, Selection::part, 0, 1},
      {"bytes=2-5", 10, Selection::part, 2, 4},
      {"Bytes= 2 - 5 ", 10, Selection::part, 2, 4},
      {"bytes=9-", 10, Selection::part, 9, 1},
      {"bytes=0-", 10, Selection::part, 0, 10},
      {"bytes=5-99", 10, Selection::part, 5, 5},
      {"bytes=5-" + huge, 10, Selection::part, 5, 5},
      {"bytes=-3", 10, Selection::part, 7, 3},
      {"bytes=-30", 10, Selection::part, 0, 10},
      {"bytes=10-", 10, Selection::nothing},
      {"bytes=" + huge + "-", 10, Selection::nothing},
      {"bytes=-0", 10, Selection::nothing},
      {"bytes=0-0", 0, Selection::nothing},
      {"bytes=-1", 0, Selection::nothing},
      // An invalid Range, or several ranges, select the whole file.
      {"bytes=5-2", 10, Selection::whole, 0, 10},
      {"bytes=0-1,4-5", 10, Selection::whole, 0, 10},
      {"bytes=-", 10, Selection::whole, 0, 10},
      {"bytes=a-b", 10, Selection::whole, 0, 10},
      {"bytes=1-x", 10, Selection::whole, 0, 10},
      {"bytes=--1", 10, Selection::whole, 0, 10},
      {"bytes=", 10, Selection::whole, 0, 10},
      {"rows=0-1", 10, Selection::whole, 0, 10},
      {"", 10, Selection::whole, 0, 10},
  };
  for (const auto& each : cases) {
    const auto selected = selected_by(each.range, each.size);
    EXPECT_EQ(selected.selection, each.selection) << each.range << " of " << each.size;
    if (each.selection == Selection::nothing) continue;
    EXPECT_EQ(selected.part.first, each.first) << each.range;
    EXPECT_EQ(selected.part.bytes, each.bytes) << each.range;
  }
}

TEST(Ranges, CountOnlyForAGetOfTheSameFile) {
  Request request;
  request.method = "GET";
  request.headers = {{"range", "bytes=0-1"}};
  EXPECT_EQ(selected_by(request, "\"a\"", 10).selection, Selection::part);
  for (const std::string other : {"\"b\"", "W/\"a\"", "Sun, 06 Nov 1994 08:49:37 GMT", ""}) {
    request.headers = {{"range", "bytes=0-1"}, {"if-range", other}};
    EXPECT_EQ(selected_by(request, "\"a\"", 10).selection, Selection::whole) << other;
  }
  request.headers[1].second = "\"a\"";
  EXPECT_EQ(selected_by(request, "\"a\"", 10).selection, Selection::part);
  request.method = "HEAD";
  EXPECT_EQ(selected_by(request, "\"a\"", 10).selection, Selection::whole);
}

}  // namespace
}  // namespace deltadrop::http
