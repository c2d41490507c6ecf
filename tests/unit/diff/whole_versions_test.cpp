#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <functional>
#include <string>

#include "diff/diff.hpp"
#include "io/file.hpp"
#include "support/diffing.hpp"
#include "support/temporary_folder.hpp"

// Tests versions in which every row is a change. The change set does not list their rows; they are read
// again.
namespace deltadrop::diff {
namespace {

using deltadrop::testing::described;
using deltadrop::testing::file_over;
using deltadrop::testing::TemporaryFolder;
using Lines = std::vector<std::string>;

constexpr int kRows = 2500;

/// Returns a table whose rows have one to three lines, some quoted, with a few empty lines.
std::string table(const std::string& key, const std::string& other) {
  std::string text = key + "," + other + "\n";
  for (int i = 0; i < kRows; ++i) {
    text += std::to_string(10'000 + i);
    text += i % 7 == 0 ? ",\"a\n\"\"b\"\"\n" + std::to_string(i) + "\"\r\n" : "," + std::to_string(i) + "\n";
    if (i % 11 == 0) text += "\n";
  }
  return text;
}

TEST(WholeVersions, AreReadAgainFromAnyChangeOn) {
  const std::string old_text = table("id", "a");
  const std::string new_text = table("code", "a");
  const csv::File before = file_over(old_text, {});
  const csv::File after = file_over(new_text, {});
  const auto outcome = diff(&before, after, {.rekey = true});
  ASSERT_TRUE(outcome.has_value()) << outcome.error().text();
  const ChangeSet& changes = outcome.value().changes;
  EXPECT_TRUE(changes.listed.empty());
  EXPECT_EQ(changes.counts, (Counts{kRows, kRows, kRows, 0, kRows}));
  const Lines all = described(&before, after, changes);
  ASSERT_EQ(all.size(), 2U * kRows);
  EXPECT_EQ(all[0], R"(delete 10000 2 {"id":"10000","a":"a\n\"b\"\n0"})");
  EXPECT_EQ(all[1], R"(delete 10001 6 {"id":"10001","a":"1"})");
  EXPECT_EQ(all[kRows], R"(insert 10000 2 {"code":"10000","a":"a\n\"b\"\n0"})");
  EXPECT_EQ(all.back(), R"(insert 12499 3443 {"code":"12499","a":"a\n\"b\"\n2499"})");
  for (const int first : {2, 1024, 1025, 1026, 2049, kRows, kRows + 1, kRows + 2, kRows + 1025, 2 * kRows}) {
    EXPECT_EQ(described(&before, after, changes, Seq(first)), Lines(all.begin() + first - 1, all.end()))
        << first;
  }
  EXPECT_EQ(described(&before, after, changes, Seq(2 * kRows + 1)), Lines{});
}

TEST(WholeVersions, HaveNoRowOfTheirsListed) {
  const std::string text = table("id", "a");
  const csv::File file = file_over(text, {});
  const auto outcome = diff(nullptr, file);
  ASSERT_TRUE(outcome.has_value());
  EXPECT_TRUE(outcome.value().changes.listed.empty());
  EXPECT_EQ(outcome.value().changes.inserted.size(), kRows);
  EXPECT_EQ(outcome.value().changes.deleted.size(), 0U);
}

/// Diffs a first version, changes its file before the events are made, and returns the resulting error.
Result<void> events_after(const std::string& text, const std::function<void(const io::fs::path&)>& change) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "a.csv";
  EXPECT_TRUE(io::write_file(path, text).has_value());
  const auto file = csv::File::open(path, {}, {}, folder.path());
  const auto outcome = diff(nullptr, file.value());
  EXPECT_TRUE(outcome.value().findings.empty());
  change(path);
  return for_each_event(nullptr, file.value(), outcome.value().changes, Seq(1),
                        [](const EventView&) -> Result<bool> { return true; });
}

TEST(WholeVersions, AreNotReadAgainFromAFileThatIsCutOff) {
  const auto failed = events_after(table("id", "a"),
                                   [](const auto& path) { ASSERT_EQ(::truncate(path.c_str(), 10'000), 0); });
  ASSERT_FALSE(failed.has_value());
  EXPECT_EQ(failed.error().type, "file-changed");
}

TEST(WholeVersions, AreNotReadAgainFromOtherBytes) {
  for (const std::string other :
       {"id,a\n1,x\n2;y\n3,z\n", "id,a\n1,x\n2,y\n\n\n\n\n", "id,a\n1,x\n2,\"\n3,z\n"}) {
    const auto failed = events_after("id,a\n1,x\n2,y\n3,z\n", [&](const io::fs::path& path) {
      std::fstream(path, std::ios::in | std::ios::out | std::ios::binary) << other;
    });
    ASSERT_FALSE(failed.has_value()) << other;
    EXPECT_EQ(failed.error().type, "file-changed");
    EXPECT_NE(failed.error().message.find("change "), std::string::npos) << failed.error().message;
  }
}

TEST(ListedChanges, OfAFileThatIsCutOffEndWithAnError) {
  const TemporaryFolder folder;
  const auto write = [&](const std::string& name, const std::string& value) {
    std::string text = "id,part,a\n";
    for (int i = 0; i < kRows; ++i) text += std::to_string(10'000 + i) + ",p," + value + "\n";
    EXPECT_TRUE(io::write_file(folder.path() / name, text).has_value());
    csv::ReadOptions options;
    options.key = {"id", "part"};
    return csv::File::open(folder.path() / name, options, {}, folder.path());
  };
  const auto before = write("before.csv", "x");
  const auto after = write("after.csv", "y");
  const auto outcome = diff(&before.value(), after.value());
  ASSERT_EQ(outcome.value().changes.listed.size(), kRows);
  ASSERT_EQ(::truncate((folder.path() / "after.csv").c_str(), 5'000), 0);
  const auto failed = for_each_event(&before.value(), after.value(), outcome.value().changes, Seq(1),
                                     [](const EventView&) -> Result<bool> { return true; });
  ASSERT_FALSE(failed.has_value());
  EXPECT_EQ(failed.error().type, "file-changed");
}

}  // namespace
}  // namespace deltadrop::diff
