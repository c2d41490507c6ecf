#include "io/permissions.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "io/file.hpp"
#include "support/temporary_folder.hpp"

namespace deltadrop::io {
namespace {

/// Creates files and directories after close_to_others, compares their modes with `expected` and exits with 0
/// if they match. `expected` is "FOLDER FILE READ-ONLY SET DURABLE; FOLDER FILE", the last two for other
/// programs. The umask belongs to the process, so run this in a child process.
void make_all_and_compare(const fs::path& root, Group group, const std::string& expected) {
  const auto mode = [&](const std::string& name) {
    const auto found = ownership_of(root / name);
    return found.has_value() ? fmt::format("{:04o}", found.value().mode) : found.error().message;
  };
  close_to_others(group);
  [[maybe_unused]] const auto folder = make_folders_durably(root / "folder/inner");
  [[maybe_unused]] const auto file = File::create(root / "folder/file");
  [[maybe_unused]] const auto read_only = File::create(root / "read-only", 0444);
  auto set = File::create(root / "set");
  [[maybe_unused]] const auto changed = set.value().set_mode(0444);
  [[maybe_unused]] const auto durable = write_file_durably(root / "durable", "x");
  [[maybe_unused]] const auto for_others = make_folders(root / "open/inner", Readers::by_umask);
  [[maybe_unused]] const auto file_for_others = File::create(root / "open/file", 0644, Readers::by_umask);
  const auto seen =
      fmt::format("{} {} {} {} {}; {} {}", mode("folder/inner"), mode("folder/file"), mode("read-only"),
                  mode("set"), mode("durable"), mode("open/inner"), mode("open/file"));
  std::fprintf(stderr, "%s\n", seen.c_str());
  std::exit(seen == expected ? 0 : 1);
}

using ::testing::ExitedWithCode;

TEST(Permissions, AreForTheUserAloneOrAlsoForAGroup) {
  {
    const testing::TemporaryFolder folder;
    EXPECT_EXIT(make_all_and_compare(folder.path(), Group::none, "0700 0600 0400 0400 0600; 0755 0644"),
                ExitedWithCode(0), "");
  }
  const testing::TemporaryFolder folder;
  EXPECT_EXIT(make_all_and_compare(folder.path(), Group::reads, "0750 0640 0440 0440 0640; 0755 0644"),
              ExitedWithCode(0), "");
}

TEST(Permissions, AreAsRequestedUntilClosed) {
  const testing::TemporaryFolder folder;
  auto file = File::create(folder.path() / "file");
  ASSERT_TRUE(file.has_value() && file.value().set_mode(0666).has_value());
  EXPECT_EQ(ownership_of(folder.path() / "file").value().mode, 0666U);
  EXPECT_EQ(closed_mode(0777), 0777U);
}

TEST(Permissions, ADirectoryForOthersPassesItsGroupOn) {
  const testing::TemporaryFolder folder;
  ASSERT_EQ(::chmod(folder.path().c_str(), 02755), 0);
  EXPECT_EXIT(
      {
        close_to_others(Group::reads);
        const bool made = make_folders(folder.path() / "a/b", Readers::by_umask).has_value();
        std::exit(made && ownership_of(folder.path() / "a/b").value().mode == 02755 ? 0 : 1);
      },
      ExitedWithCode(0), "");
}

TEST(Permissions, GroupsHaveNamesAndNumbers) {
  EXPECT_EQ(find_group("root").value(), 0U);
  EXPECT_EQ(find_group("0").value(), 0U);
  EXPECT_EQ(find_group("12345").value(), 12345U);
  for (const auto* none : {"no-such-group-here", "", "-1", "4294967295", "4294967296", "12x"}) {
    const auto found = find_group(none);
    ASSERT_FALSE(found.has_value()) << none;
    EXPECT_EQ(found.error().type, "no-such-group");
  }
  EXPECT_NE(find_group("no-such-group-here").error().message.find("no-such-group-here"), std::string::npos);
}

TEST(Permissions, OwnershipIsChangedIfItDiffers) {
  const testing::TemporaryFolder folder;
  const auto path = folder.path() / "file";
  ASSERT_TRUE(write_file(path, "x", 0644).has_value());
  ASSERT_TRUE(set_ownership(path, 0640, ::getgid()).has_value());
  EXPECT_EQ(ownership_of(path).value().mode, 0640U);
  EXPECT_EQ(ownership_of(path).value().group, ::getgid());
  EXPECT_EQ(set_ownership(folder.path() / "none", 0640, std::nullopt).error().code, ErrorCode::not_found);
}

}  // namespace
}  // namespace deltadrop::io
