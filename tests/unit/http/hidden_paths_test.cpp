#include "http/hidden_paths.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace deltadrop::http {
namespace {

using Named = std::vector<std::pair<std::string, std::filesystem::path>>;

TEST(HiddenPaths, BecomeTheNamesOfTheirSettings) {
  const HiddenPaths paths(
      Named{{"DATA_DIR", "/srv/data"}, {"PARQUET_DIR", "/srv/data/parquet"}, {"TLS_KEY", ""}});
  const std::pair<std::string, std::string> cases[] = {
      {"cannot open /srv/data/archive/x.csv: gone", "cannot open DATA_DIR/archive/x.csv: gone"},
      {"\"/srv/data\"", "\"DATA_DIR\""},
      {"/srv/data/parquet/acme and /srv/data/held", "PARQUET_DIR/acme and DATA_DIR/held"},
      {"/srv/data-old/x", "DATA_DIR-old/x"},
      {"https://host/srv/data", "https://host/srv/data"},
      {"nothing of it", "nothing of it"},
      {"", ""},
  };
  for (const auto& [told, expected] : cases) EXPECT_EQ(paths.without(told), expected);
}

TEST(HiddenPaths, AreFoundInJsonEscapes) {
  const HiddenPaths paths(Named{{"DATA_DIR", "/srv/a \"b\"\\c/"}});
  EXPECT_EQ(paths.without(R"({"detail":"/srv/a \"b\"\\c/catalog.db is gone"})"),
            R"({"detail":"DATA_DIR/catalog.db is gone"})");
}

TEST(HiddenPaths, ARelativePathIsHiddenInItsAbsoluteFormToo) {
  const auto here = std::filesystem::current_path().string();
  const HiddenPaths paths(Named{{"DATA_DIR", "data"}});
  EXPECT_EQ(paths.without(here + "/data/lock"), "DATA_DIR/lock");
  EXPECT_EQ(paths.without("no data were changed"), "no data were changed");
}

TEST(HiddenPaths, AreOnlyRemovedFromErrors) {
  const HiddenPaths paths(Named{{"DATA_DIR", "/srv/data"}});
  Response response;
  response.body = R"({"value":"/srv/data"})";
  EXPECT_FALSE(paths.hide_in(response)) << "it may be the user's data";
  EXPECT_EQ(response.body, R"({"value":"/srv/data"})");
  response.tells_errors = true;
  EXPECT_TRUE(paths.hide_in(response));
  EXPECT_EQ(response.body, R"({"value":"DATA_DIR"})");
  auto error = problem({ErrorCode::unavailable, "io-error", "cannot read /srv/data/x", "check /srv/data"});
  EXPECT_TRUE(paths.hide_in(error));
  EXPECT_EQ(error.body.find("/srv"), std::string::npos);
}

}  // namespace
}  // namespace deltadrop::http
