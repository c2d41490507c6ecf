#include "lake/table_lock.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "support/temporary_folder.hpp"

namespace deltadrop::lake {
namespace {

const TableRef kTable{"so-financials", "financials"};

TEST(TableLock, IsHeldByOne) {
  const testing::TemporaryFolder folder;
  auto first = TableLock::try_take(folder.path(), kTable);
  ASSERT_TRUE(first.has_value() && first.value().has_value());
  const auto second = TableLock::try_take(folder.path(), kTable);
  ASSERT_TRUE(second.has_value());
  EXPECT_FALSE(second.value().has_value());
  const auto other = TableLock::try_take(folder.path(), {"so-financials", "other"});
  ASSERT_TRUE(other.has_value());
  EXPECT_TRUE(other.value().has_value()) << "another table is another matter";
  first.value().reset();
  const auto third = TableLock::try_take(folder.path(), kTable);
  EXPECT_TRUE(third.has_value() && third.value().has_value());
}

TEST(TableLock, IsWaitedFor) {
  const testing::TemporaryFolder folder;
  auto first = TableLock::try_take(folder.path(), kTable);
  ASSERT_TRUE(first.has_value() && first.value().has_value());
  std::atomic<bool> waited = false;
  std::atomic<bool> let_go = false;
  std::jthread holder([&] {
    waited.wait(false);
    let_go = true;
    first.value().reset();
  });
  const auto second = TableLock::take(folder.path(), kTable, [&] {
    waited = true;
    waited.notify_all();
  });
  ASSERT_TRUE(second.has_value());
  EXPECT_TRUE(waited);
  EXPECT_TRUE(let_go) << "it was taken while another held it";
}

TEST(TableLock, CountsThoseWhoHeldIt) {
  const testing::TemporaryFolder folder;
  std::optional<std::uint64_t> last;
  for (int i = 0; i < 12; ++i) {
    const auto lock = TableLock::take(folder.path(), kTable, [] {});
    ASSERT_TRUE(lock.has_value());
    ASSERT_TRUE(lock.value().number()) << "a file system that keeps no microseconds";
    if (last) {
      EXPECT_EQ(lock.value().number(), *last + io::LockFile::kCountStep);
    }
    last = lock.value().number();
  }
  EXPECT_EQ(io::read_whole_file(folder.path() / ".locks/so-financials/financials.lock").value(), "");
}

TEST(TableLock, NamesAFolderThatCannotBe) {
  const testing::TemporaryFolder folder;
  ASSERT_TRUE(io::write_file(folder.path() / "lake", "a file").has_value());
  const auto lock = TableLock::try_take(folder.path() / "lake", kTable);
  ASSERT_FALSE(lock.has_value());
  EXPECT_NE(lock.error().message.find("lake"), std::string::npos) << lock.error().message;
}

}  // namespace
}  // namespace deltadrop::lake
