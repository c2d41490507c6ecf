#include "lake/known_folders.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <set>

#include "io/file.hpp"
#include "io/lock_file.hpp"
#include "lake/lake.hpp"
#include "parquet_rows.hpp"
#include "sample.hpp"
#include "support/fake_history.hpp"
#include "support/temporary_folder.hpp"

namespace deltadrop::lake {
namespace {

namespace fs = std::filesystem;
using testing::as_upload;
using testing::FakeHistory;
using testing::inserted;
using testing::sample_upload;

const TableRef kTable{"so-financials", "financials"};

/// Detects listings of a folder with inotify.
class Listing {
 public:
  explicit Listing(const fs::path& folder) : watch_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {
    EXPECT_GE(::inotify_add_watch(watch_, folder.c_str(), IN_ACCESS), 0) << folder;
  }
  Listing(const Listing&) = delete;
  Listing& operator=(const Listing&) = delete;
  ~Listing() { ::close(watch_); }

  /// Returns true if the folder was listed since the last call.
  bool seen() {
    bool listed = false;
    std::array<char, 4096> bytes{};
    for (auto count = ::read(watch_, bytes.data(), bytes.size()); count > 0;
         count = ::read(watch_, bytes.data(), bytes.size())) {
      for (std::size_t at = 0; at < static_cast<std::size_t>(count);) {
        inotify_event event{};
        std::memcpy(&event, bytes.data() + at, sizeof event);
        at += sizeof event + event.len;
        listed = listed || (event.len == 0 && (event.mask & IN_ISDIR) != 0);
      }
    }
    return listed;
  }

 private:
  int watch_;
};

class KnownFoldersTest : public ::testing::Test {
 protected:
  Options options() const {
    Options options;
    options.folder = temporary_.path() / "parquet";
    return options;
  }
  fs::path folder() const { return options().folder / "so-financials/financials"; }

  history::UploadStatus add(std::int64_t version, const std::string& second) {
    const auto key = fmt::format("k{}", version);
    const auto timestamp = fmt::format("2025-03-10T12:00:{}.{:03}Z", second, version);
    return history_.add(as_upload(sample_upload(version, timestamp), {inserted(key, {{"id", key}})}));
  }
  void write(const history::UploadStatus& upload) { write(options(), upload); }
  void write(const Options& with, const history::UploadStatus& upload) {
    known_.locked(kTable, locks_ += io::LockFile::kCountStep);
    const auto report = write_upload(with, history_, upload, clock_, &known_);
    ASSERT_TRUE(report.has_value()) << report.error().text();
  }

  std::set<std::string> names() const {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder())) names.insert(entry.path().filename().string());
    return names;
  }

  testing::TemporaryFolder temporary_;
  FakeHistory history_;
  KnownFolders known_;
  std::uint64_t locks_ = 0;
  io::ManualClock clock_{Timestamp::parse("2025-03-11T00:00:00.000Z").value()};
};

TEST_F(KnownFoldersTest, UploadsListNothingThatIsKnown) {
  write(add(1, "01"));
  Listing listing(folder());
  write(add(2, "01"));  // the same second, another mark
  for (std::int64_t version = 3; version < 20; ++version) write(add(version, fmt::format("{:02}", version)));
  EXPECT_FALSE(listing.seen()) << "the cost of an upload grows with the files that are there";
  EXPECT_EQ(names().size(), 19U);
}

TEST_F(KnownFoldersTest, AFolderThatWasChangedIsListed) {
  write(add(1, "01"));
  ASSERT_TRUE(io::write_file(folder() / ".tmp-insert_20250310120000_x", "half a file").has_value());
  write(add(2, "02"));
  EXPECT_EQ(names(),
            (std::set<std::string>{"insert_20250310120001_k1.parquet", "insert_20250310120002_k2.parquet"}));
}

TEST_F(KnownFoldersTest, AFolderThatAnotherProcessHadIsListed) {
  write(add(1, "01"));
  Listing listing(folder());
  locks_ += io::LockFile::kCountStep;  // the change may be within the file system's clock tick and not show
                                       // in the stamp
  write(add(2, "02"));
  EXPECT_TRUE(listing.seen());
  write(add(3, "03"));
  EXPECT_FALSE(listing.seen()) << "from now on it is known again";
}

TEST_F(KnownFoldersTest, AFolderIsListedAfterAFailure) {
  write(add(1, "01"));
  auto orphan = as_upload(sample_upload(2, "2025-03-10T12:00:02.000Z"), {inserted("k2", {{"id", "k2"}})});
  auto upload = history_.add(orphan);
  ++upload.facts.total;  // more events than the history has
  known_.locked(kTable, locks_ += io::LockFile::kCountStep);
  ASSERT_FALSE(write_upload(options(), history_, upload, clock_, &known_).has_value());
  EXPECT_EQ(names().size(), 1U) << "nothing half-written stays";
  Listing listing(folder());
  --upload.facts.total;
  write(upload);
  EXPECT_TRUE(listing.seen());
  EXPECT_EQ(names().size(), 2U);
}

/// If a history was emptied and filled again with another layout, an upload's older files are deleted.
TEST_F(KnownFoldersTest, FilesThatMayBeTheUploadsAreListed) {
  const auto two = [&](std::int64_t version) {
    const auto second = fmt::format("2025-03-10T12:00:{:02}.000Z", version);
    return history_.add(as_upload(sample_upload(version, second),
                                  {inserted("a", {{"id", "a"}}), inserted("b", {{"id", "b"}})}));
  };
  for (std::int64_t version = 1; version <= 3; ++version) write(two(version));
  known_ = KnownFolders();
  history_ = FakeHistory();
  auto each = options();
  each.layout = FileLayout::event;
  for (std::int64_t version = 1; version <= 3; ++version) write(each, two(version));
  EXPECT_EQ(names().size(), 6U);
  // The same process writes the same uploads again.
  history_ = FakeHistory();
  for (std::int64_t version = 1; version <= 3; ++version) write(two(version));
  EXPECT_EQ(names().size(), 3U);
}

TEST_F(KnownFoldersTest, NewColumnsRewriteAllFilesAsEver) {
  write(add(1, "01"));
  write(add(2, "02"));
  write(history_.add(as_upload(sample_upload(3, "2025-03-10T12:00:03.000Z"),
                               {inserted("k3", {{"id", "k3"}, {"amount", "1.5"}})})));
  for (const auto& name : names()) {
    EXPECT_TRUE(testing::read_parquet(folder() / name).rows.at(0).contains("new_amount")) << name;
  }
  EXPECT_EQ(names().size(), 3U);
  Listing listing(folder());
  write(history_.add(as_upload(sample_upload(4, "2025-03-10T12:00:04.000Z"),
                               {inserted("k4", {{"id", "k4"}, {"amount", "2.5"}})})));
  EXPECT_FALSE(listing.seen());
  EXPECT_EQ(names().size(), 4U);
}

}  // namespace
}  // namespace deltadrop::lake
