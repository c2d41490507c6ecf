#include "io/file.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "io/clock.hpp"
#include "io/file_stamp.hpp"
#include "io/lock_file.hpp"
#include "io/new_name.hpp"
#include "io/sha256.hpp"
#include "support/temporary_folder.hpp"

namespace deltadrop::io {
namespace {

using testing::TemporaryFolder;

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

TEST(File, DurableWriteReplacesAndLeavesNothingElse) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "manifest.json";
  ASSERT_TRUE(write_file_durably(path, "one", 0444).has_value());
  ASSERT_TRUE(write_file_durably(path, "two", 0444).has_value());
  EXPECT_EQ(read_whole_file(path).value(), "two");
  EXPECT_EQ(names_in(folder.path()), std::vector<std::string>{"manifest.json"});
  struct stat status{};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0444U);
}

TEST(File, MissingFileIsNotFoundAndNamed) {
  const auto opened = File::open_to_read("/nowhere/at-all.csv");
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().code, ErrorCode::not_found);
  EXPECT_NE(opened.error().message.find("/nowhere/at-all.csv"), std::string::npos);
}

TEST(File, NamesADirectoryOrFileInTheOthersPlace) {
  const TemporaryFolder folder;
  fs::create_directory(folder.path() / "folder");
  ASSERT_TRUE(write_file(folder.path() / "file", "").has_value());
  const auto removed = remove_file(folder.path() / "folder");
  ASSERT_FALSE(removed.has_value());
  EXPECT_NE(removed.error().fix.find("is a directory, not a file"), std::string::npos)
      << removed.error().text();
  const auto opened = File::open_to_read(folder.path() / "file" / "x");
  ASSERT_FALSE(opened.has_value());
  EXPECT_NE(opened.error().fix.find("part of that path is a file"), std::string::npos)
      << opened.error().text();
}

TEST(File, CreateRefusesAnExistingName) {
  const TemporaryFolder folder;
  ASSERT_TRUE(File::create(folder.path() / "a").has_value());
  const auto again = File::create(folder.path() / "a");
  ASSERT_FALSE(again.has_value());
  EXPECT_EQ(again.error().type, "file-exists");
}

TEST(File, FullDeviceIsDiskFull) {
  auto file = File(::open("/dev/full", O_WRONLY | O_CLOEXEC), "/dev/full");
  const auto written = file.write(std::string_view("x"));
  ASSERT_FALSE(written.has_value());
  EXPECT_EQ(written.error().type, "disk-full");
  EXPECT_FALSE(written.error().fix.empty());
}

TEST(File, MakesMissingFolders) {
  const TemporaryFolder folder;
  const auto deep = folder.path() / "archive" / "so" / "financials";
  ASSERT_TRUE(make_folders_durably(deep).has_value());
  ASSERT_TRUE(make_folders_durably(deep).has_value());
  EXPECT_TRUE(fs::is_directory(deep));
}

TEST(File, DirectoryWithTheNameOfAFileIsRejected) {
  const TemporaryFolder folder;
  ASSERT_TRUE(write_file_durably(folder.path() / "a", "").has_value());
  EXPECT_FALSE(make_folders_durably(folder.path() / "a" / "b").has_value());
}

TEST(File, CloneReplacesTheTarget) {
  const TemporaryFolder folder;
  const auto first = folder.path() / "v1";
  const auto second = folder.path() / "v2";
  const auto current = folder.path() / "current.csv";
  ASSERT_TRUE(write_file_durably(first, "one", 0444).has_value());
  ASSERT_TRUE(write_file_durably(second, "two", 0444).has_value());
  for (int i = 0; i < 2; ++i) {  // the second time, current.csv already is a clone
    ASSERT_TRUE(clone_file(first, current).has_value());
    EXPECT_EQ(read_whole_file(current).value(), "one");
  }
  ASSERT_TRUE(clone_file(second, current).has_value());
  EXPECT_EQ(read_whole_file(current).value(), "two");
  EXPECT_FALSE(stamp_of(current).value().same_file(stamp_of(second).value()))
      << "writing to one would change both";
  EXPECT_EQ(names_in(folder.path()), (std::vector<std::string>{"current.csv", "v1", "v2"}));
}

TEST(File, ALargeFileIsClonedCompletely) {
  const TemporaryFolder folder;
  std::string bytes(3'000'001, 'x');
  for (std::size_t i = 0; i < bytes.size(); i += 1000) bytes[i] = static_cast<char>('a' + i / 1000 % 26);
  ASSERT_TRUE(write_file(folder.path() / "from", bytes).has_value());
  ASSERT_TRUE(clone_file(folder.path() / "from", folder.path() / "to").has_value());
  EXPECT_EQ(read_whole_file(folder.path() / "to").value(), bytes);
}

TEST(File, ANewNameIsNeverTakenFromAnotherFile) {
  const TemporaryFolder folder;
  const auto from = folder.path() / "from";
  const auto to = folder.path() / "to";
  ASSERT_TRUE(write_file(from, "one").has_value());
  ASSERT_TRUE(write_file(to, "two").has_value());
  EXPECT_EQ(rename_to_new_name(from, to).error().type, "file-exists");
  EXPECT_EQ(read_whole_file(to).value(), "two");
  ASSERT_TRUE(remove_file(to).has_value());
  ASSERT_TRUE(rename_to_new_name(from, to).has_value());
  EXPECT_EQ(names_in(folder.path()), std::vector<std::string>{"to"});
}

TEST(File, AStampChangesWithTheFile) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "file";
  ASSERT_TRUE(write_file(path, "one").has_value());
  const auto file = File::open_to_read(path);
  const auto before = stamp_of(path).value();
  EXPECT_EQ(stamp_of(file.value()).value(), before);
  const auto time = std::filesystem::last_write_time(path);
  std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  std::filesystem::last_write_time(path, time);
  EXPECT_NE(stamp_of(path).value(), before) << "resetting the time does not hide the change";
  ASSERT_TRUE(write_file(path, "one").has_value());
  EXPECT_FALSE(stamp_of(path).value().same_file(before));
  EXPECT_TRUE(stamp_of(file.value()).value().same_file(before));
}

TEST(File, RemovingAnAbsentFileSucceeds) {
  const TemporaryFolder folder;
  EXPECT_TRUE(remove_file(folder.path() / "nothing").has_value());
}

TEST(LockFile, ASecondTakerIsToldWhoHoldsIt) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "lock";
  EXPECT_EQ(LockFile::holder(path).error().code, ErrorCode::not_found);
  {
    auto lock = LockFile::take(path);
    ASSERT_TRUE(lock.has_value());
    ASSERT_TRUE(lock.value().publish_address("127.0.0.1:8000").has_value());
    const auto second = LockFile::take(path);
    ASSERT_FALSE(second.has_value());
    EXPECT_EQ(second.error().type, "data-dir-in-use");
    EXPECT_NE(second.error().message.find(std::to_string(::getpid())), std::string::npos);
    EXPECT_EQ(LockFile::holder(path).value().address, "127.0.0.1:8000");
    EXPECT_EQ(LockFile::holder(path).value().pid, ::getpid());
  }
  EXPECT_TRUE(LockFile::take(path).has_value());
}

/// Commands query who uses a DATA_DIR. A server that starts at that moment must not mistake a command for a
/// server.
TEST(LockFile, QueriesDoNotBlockATaker) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "lock";
  std::atomic<bool> done = false;
  std::vector<std::thread> askers;
  for (int i = 0; i < 2; ++i) {
    askers.emplace_back([&] {
      while (!done) static_cast<void>(LockFile::holder(path).has_value());
    });
  }
  int refused = 0;
  std::string message;
  for (int i = 0; i < 3000; ++i) {
    const auto lock = LockFile::take(path);
    if (lock.has_value()) continue;
    ++refused;
    message = lock.error().text();
  }
  done = true;
  for (auto& asker : askers) asker.join();
  EXPECT_EQ(refused, 0) << message;
}

TEST(LockFile, AStartingHolderHasNoPid) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "lock";
  const auto starting = LockFile::try_take(path);
  ASSERT_TRUE(starting.value().has_value());
  const auto second = LockFile::take(path);
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().type, "data-dir-in-use");
  EXPECT_EQ(second.error().message, folder.path().string() + " is in use by a process that is starting");
}

TEST(Sha256, KnownDigests) {
  EXPECT_EQ(sha256_of("").to_hex(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_of("abc").to_hex(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(UploadIds, AreVersionSevenAndSortByTime) {
  const Timestamp now = Timestamp::parse("2025-03-10T12:34:56.789Z").value();
  const auto first = new_upload_id(now);
  const auto later = new_upload_id(now.plus_ms(1));
  EXPECT_EQ(first.to_string()[14], '7');
  EXPECT_NE(std::string("89ab").find(first.to_string()[19]), std::string::npos);
  EXPECT_EQ(first.to_string().substr(0, 13), "0195800d-1895");
  EXPECT_LT(first, later);
  EXPECT_NE(first, new_upload_id(now));
}

}  // namespace
}  // namespace deltadrop::io
