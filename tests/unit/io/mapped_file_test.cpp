#include "io/mapped_file.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <string>
#include <vector>

#include "support/temporary_folder.hpp"

namespace deltadrop::io {
namespace {

using testing::TemporaryFolder;

TEST(MappedFile, BytesOutliveTheName) {
  const TemporaryFolder folder;
  ASSERT_TRUE(write_file_durably(folder.path() / "a", "id,x\n1,2\n").has_value());
  const auto mapped = MappedFile::open(folder.path() / "a");
  ASSERT_TRUE(mapped.has_value());
  ASSERT_TRUE(remove_file(folder.path() / "a").has_value());
  EXPECT_EQ(mapped.value().bytes(), "id,x\n1,2\n");
}

TEST(MappedFile, EmptyFileIsAnEmptyView) {
  const TemporaryFolder folder;
  ASSERT_TRUE(write_file_durably(folder.path() / "a", "").has_value());
  const auto mapped = MappedFile::open(folder.path() / "a");
  ASSERT_TRUE(mapped.has_value());
  EXPECT_TRUE(mapped.value().bytes().empty());
}

TEST(MappedFile, ReadsTruncatedBytesAsNulAndReportsIt) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "a.csv";
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  ASSERT_TRUE(write_file(path, std::string(20 * page, 'x')).has_value());
  const auto mapped = MappedFile::open(path);
  ASSERT_TRUE(mapped.has_value());
  ASSERT_TRUE(mapped.value().check_unchanged().has_value());
  ASSERT_EQ(::truncate(path.c_str(), static_cast<off_t>(3 * page + 10)), 0);
  const std::string_view bytes = mapped.value().bytes();
  EXPECT_EQ(std::count(bytes.begin(), bytes.end(), 'x'), static_cast<std::ptrdiff_t>(3 * page + 10));
  EXPECT_EQ(std::count(bytes.begin(), bytes.end(), '\0'), static_cast<std::ptrdiff_t>(17 * page - 10));
  const auto unchanged = mapped.value().check_unchanged();
  ASSERT_FALSE(unchanged.has_value());
  EXPECT_EQ(unchanged.error().type, "file-changed");
  EXPECT_NE(unchanged.error().message.find(path.string()), std::string::npos) << unchanged.error().message;
}

TEST(MappedFile, ReportsBytesThatWereMissingDuringARead) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "a.csv";
  ASSERT_TRUE(write_file(path, "key,value\n1,2\n").has_value());
  const auto mapped = MappedFile::open(path);
  ASSERT_TRUE(mapped.has_value());
  ASSERT_EQ(::truncate(path.c_str(), 0), 0);
  EXPECT_EQ(mapped.value().bytes()[3], '\0');
  ASSERT_EQ(::truncate(path.c_str(), 14), 0);
  const auto unchanged = mapped.value().check_unchanged();
  ASSERT_FALSE(unchanged.has_value());
  EXPECT_EQ(unchanged.error().type, "file-changed");
}

TEST(MappedFile, IsUnchangedAfterARenameAndANewTime) {
  const TemporaryFolder folder;
  ASSERT_TRUE(write_file(folder.path() / "a", "key\n1\n").has_value());
  const auto mapped = MappedFile::open(folder.path() / "a");
  ASSERT_TRUE(mapped.has_value());
  ASSERT_TRUE(rename_file(folder.path() / "a", folder.path() / "b").has_value());
  fs::last_write_time(folder.path() / "b", fs::file_time_type());
  EXPECT_TRUE(mapped.value().check_unchanged().has_value());
}

TEST(MappedFile, EachMappingIsFilledSeparately) {
  const TemporaryFolder folder;
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  std::vector<MappedFile> files;
  for (const char* name : {"a", "b", "c"}) {
    ASSERT_TRUE(write_file(folder.path() / name, std::string(4 * page, name[0])).has_value());
    auto mapped = MappedFile::open(folder.path() / name);
    ASSERT_TRUE(mapped.has_value());
    files.push_back(std::move(mapped.value()));
  }
  ASSERT_EQ(::truncate((folder.path() / "b").c_str(), 0), 0);
  EXPECT_EQ(files[1].bytes()[2 * page], '\0');
  EXPECT_EQ(files[0].bytes().back(), 'a');
  EXPECT_EQ(files[2].bytes().back(), 'c');
  EXPECT_TRUE(files[0].check_unchanged().has_value());
  EXPECT_FALSE(files[1].check_unchanged().has_value());
}

/// Matches a process that an unhandled SIGBUS ends. AddressSanitizer reports it and exits.
bool ended_by_sigbus(int status) {
#ifdef __SANITIZE_ADDRESS__
  return ::testing::ExitedWithCode(1)(status);
#else
  return ::testing::KilledBySignal(SIGBUS)(status);
#endif
}

TEST(MappedFileDeathTest, AnotherBusErrorStillEndsTheProcess) {
  const TemporaryFolder folder;
  ASSERT_TRUE(write_file(folder.path() / "a", "x").has_value());
  const auto mapped = MappedFile::open(folder.path() / "a");
  ASSERT_TRUE(mapped.has_value());
  EXPECT_EXIT(static_cast<void>(::raise(SIGBUS)), ended_by_sigbus, "");
}

}  // namespace
}  // namespace deltadrop::io
