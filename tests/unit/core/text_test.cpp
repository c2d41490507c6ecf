#include "core/text.hpp"

#include <gtest/gtest.h>

namespace deltadrop {
namespace {

TEST(Text, UsesSingularAndPlural) {
  EXPECT_EQ(counted(0, "file"), "0 files");
  EXPECT_EQ(counted(1, "held upload"), "1 held upload");
  EXPECT_EQ(counted(std::size_t{2}, "file"), "2 files");
}

}  // namespace
}  // namespace deltadrop
