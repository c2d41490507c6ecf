#include "sqlite/group_writer.hpp"

#include <gtest/gtest.h>

#include <array>
#include <future>
#include <latch>
#include <thread>
#include <vector>

#include "support/temporary_folder.hpp"

namespace deltadrop::sqlite {
namespace {

using testing::TemporaryFolder;

constexpr std::array<std::string_view, 1> kMigrations = {"CREATE TABLE t (id INTEGER PRIMARY KEY)"};

class GroupWriterTest : public ::testing::Test {
 protected:
  GroupWriterTest()
      : writer_(open(), {nullptr,
                         [this]() -> Result<void> {
                           if (commit_fails_) return Error{ErrorCode::unavailable, "io-error", "no", ""};
                           return success();
                         },
                         [this]() -> Result<void> {
                           ++commits_;
                           return success();
                         }}) {}

  [[nodiscard]] Database open() const {
    auto database = Database::open(folder_.path() / "t.db");
    EXPECT_TRUE(database.value().migrate(kMigrations).has_value());
    return std::move(database).value();
  }

  static Result<void> insert(Database& database, std::int64_t id) {
    DD_TRY(auto statement, database.prepare("INSERT INTO t VALUES (?1)"));
    return statement.bind(1, id).run();
  }

  [[nodiscard]] std::vector<std::int64_t> ids() const {
    auto database = open();
    auto statement = database.prepare("SELECT id FROM t ORDER BY id");
    std::vector<std::int64_t> found;
    while (statement.value().step().value()) found.push_back(statement.value().number(0));
    return found;
  }

  /// Holds up one write until all `writes` wait, so that they form one group.
  std::vector<Result<void>> run_together(const std::vector<GroupWriter::Write>& writes) {
    std::promise<void> go_on;
    std::latch begun(1);
    std::thread first([&] {
      const auto ran = writer_.run([&](Database&) -> Result<void> {
        begun.count_down();
        go_on.get_future().wait();
        return Error{ErrorCode::invalid_input, "held-up", "", ""};
      });
      EXPECT_FALSE(ran.has_value());
    });
    begun.wait();
    EXPECT_FALSE(writer_.run_if_idle(writes.front()).has_value()) << "another write is in progress";
    std::vector<std::future<Result<void>>> running;
    for (const auto& write : writes) {
      running.push_back(std::async(std::launch::async, [&] { return writer_.run(write); }));
    }
    while (writer_.waiting() < writes.size()) std::this_thread::yield();
    go_on.set_value();
    std::vector<Result<void>> results;
    for (auto& result : running) results.push_back(result.get());
    first.join();
    return results;
  }

  TemporaryFolder folder_;
  bool commit_fails_ = false;
  int commits_ = 0;
  GroupWriter writer_;
};

TEST_F(GroupWriterTest, ConcurrentWritesShareACommitAndFailSeparately) {
  const auto results = run_together({
      [](Database& database) { return insert(database, 1); },
      [](Database& database) -> Result<void> {
        DD_TRY(insert(database, 2));
        return Error{ErrorCode::invalid_input, "changed-its-mind", "", ""};
      },
      [](Database& database) { return insert(database, 3); },
  });
  EXPECT_TRUE(results[0].has_value());
  ASSERT_FALSE(results[1].has_value());
  EXPECT_EQ(results[1].error().type, "changed-its-mind");
  EXPECT_TRUE(results[2].has_value());
  EXPECT_EQ(ids(), (std::vector<std::int64_t>{1, 3}));
  EXPECT_EQ(commits_, 1);
}

TEST_F(GroupWriterTest, AFailedCommitFailsItsGroupAndTheNextContinues) {
  commit_fails_ = true;
  const auto results = run_together({
      [](Database& database) { return insert(database, 1); },
      [](Database& database) { return insert(database, 2); },
  });
  for (const auto& result : results) {
    ASSERT_FALSE(result.has_value());
    EXPECT_EQ(result.error().type, "io-error");
  }
  EXPECT_EQ(ids(), std::vector<std::int64_t>{});
  commit_fails_ = false;
  EXPECT_TRUE(writer_.run([](Database& database) { return insert(database, 1); }).has_value());
  EXPECT_EQ(ids(), std::vector<std::int64_t>{1});
}

TEST_F(GroupWriterTest, AWriteThatRollsEverythingBackFailsItsGroup) {
  const auto results = run_together({
      [](Database& database) { return insert(database, 1); },
      // SQLite does this by itself if the disk is full.
      [](Database& database) { return database.execute("ROLLBACK"); },
  });
  EXPECT_FALSE(results[0].has_value());
  EXPECT_FALSE(results[1].has_value());
  EXPECT_EQ(ids(), std::vector<std::int64_t>{});
}

TEST_F(GroupWriterTest, AThrowingWriteLeavesNobodyWaiting) {
  EXPECT_THROW(
      {
        [[maybe_unused]] const auto ran =
            writer_.run([](Database&) -> Result<void> { throw std::bad_alloc(); });
      },
      std::bad_alloc);
  EXPECT_TRUE(writer_.run([](Database& database) { return insert(database, 1); }).has_value());
}

TEST_F(GroupWriterTest, ManyThreadsWriteAll) {
  constexpr std::int64_t kEach = 50;
  std::vector<std::thread> threads;
  for (std::int64_t t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (std::int64_t i = 0; i < kEach; ++i) {
        EXPECT_TRUE(
            writer_.run([&](Database& database) { return insert(database, t * kEach + i); }).has_value());
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(ids().size(), 8U * kEach);
}

}  // namespace
}  // namespace deltadrop::sqlite
