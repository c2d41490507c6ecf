#include "cli/option_names.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace deltadrop::cli {
namespace {

TEST(OptionNames, AreThoseOfTheCommandLine) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"name more key columns with key=", "name more key columns with --key"},
      {"name its encoding with encoding=, such as latin-1",
       "name its encoding with --encoding, such as latin-1"},
      {"give encoding=utf-16le or encoding=utf-16be; if",
       "give --encoding utf-16le or --encoding utf-16be; if"},
      {"send it again, with dry_run=true to see", "send it again, with --dry-run to see"},
      {"pass rekey=true", "pass --rekey"},
      {"give sheet= one of these names", "give --sheet one of these names"},
      {"the columns are \"key=\", \"a key=b\"; name the key with key=, or",
       "the columns are \"key=\", \"a key=b\"; name the key with --key, or"},
      {"GET /records/history?key=X, monkey=1", "GET /records/history?key=X, monkey=1"},
      {"", ""},
  };
  for (const auto& [fix, expected] : cases) EXPECT_EQ(with_option_names(fix), expected);
}

}  // namespace
}  // namespace deltadrop::cli
