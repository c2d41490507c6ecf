#include "cli/checks.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <string>

#include "support/temporary_folder.hpp"

namespace deltadrop::cli {
namespace {

TEST(Checks, EmptyIsNoValue) {
  EXPECT_EQ(refuse_empty("x"), "");
  EXPECT_EQ(refuse_empty(""), "the value is empty: give one, or leave the argument out");
}

TEST(Checks, WholeNumbersBeginWithOne) {
  for (const auto* good : {"1", "42", "9223372036854775807"}) EXPECT_EQ(whole_number(good), "") << good;
  for (const auto* bad : {"0", "-1", "", "x", "1.5", "1x", " 1", "+1", "9223372036854775808"}) {
    EXPECT_NE(whole_number(bad).find("give a whole number from 1 on"), std::string::npos) << bad;
  }
}

TEST(Checks, OnlyRegularFilesAreTaken) {
  const testing::TemporaryFolder folder;
  const auto file = folder.path() / "a.csv";
  std::ofstream(file) << "id\n";
  EXPECT_EQ(regular_file(file.string()), "");
  EXPECT_NE(regular_file((folder.path() / "none").string()).find("there is no file"), std::string::npos);
  EXPECT_NE(regular_file(folder.path().string()).find("is a folder"), std::string::npos);
  const auto pipe = (folder.path() / "pipe").string();
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  for (const auto& other : {pipe, std::string("/dev/null")}) {
    EXPECT_NE(regular_file(other).find("write it to a file first"), std::string::npos) << other;
  }
}

}  // namespace
}  // namespace deltadrop::cli
