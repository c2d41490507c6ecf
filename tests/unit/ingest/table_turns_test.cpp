#include "ingest/table_turns.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace deltadrop::ingest {
namespace {

/// Jobs that record their start and wait until they are released.
class Jobs {
 public:
  TableTurns::Job named(std::string name) {
    return [this, name = std::move(name)] {
      std::unique_lock lock(mutex_);
      begun_.push_back(name);
      changed_.notify_all();
      changed_.wait(lock, [this] { return open_ > 0; });
      --open_;
    };
  }
  void let_go(std::size_t count) {
    const std::lock_guard lock(mutex_);
    open_ += count;
    changed_.notify_all();
  }
  /// Returns the names of the first `count` jobs that started; fewer after a timeout.
  std::vector<std::string> begun(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(20), [&] { return begun_.size() >= count; });
    return begun_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> begun_;
  std::size_t open_ = 0;
};

using Names = std::vector<std::string>;

TableRef table(const std::string& company, const std::string& name = "t") { return {company, name}; }

TEST(TableTurns, ATablesJobsRunOneByOneInTheirOrder) {
  Jobs jobs;
  TableTurns turns({4, 100});
  turns.start();
  for (const auto* name : {"1", "2", "3"}) ASSERT_TRUE(turns.add(table("a"), jobs.named(name)).has_value());
  ASSERT_TRUE(turns.add(table("A", "T"), jobs.named("4")).has_value()) << "another spelling";
  ASSERT_TRUE(turns.add(table("b"), jobs.named("b")).has_value());
  auto begun = jobs.begun(2);
  std::sort(begun.begin(), begun.end());
  EXPECT_EQ(begun, (Names{"1", "b"})) << "and no other job of the table";
  jobs.let_go(5);
  begun = jobs.begun(5);
  std::erase(begun, "b");
  EXPECT_EQ(begun, (Names{"1", "2", "3", "4"}));
}

TEST(TableTurns, WaitingJobsHoldNoThread) {
  Jobs jobs;
  TableTurns turns({2, 1000});
  turns.start();
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(turns.add(table("a"), jobs.named("a")).has_value());
  ASSERT_TRUE(turns.add(table("b"), jobs.named("b")).has_value());
  const auto begun = jobs.begun(2);
  ASSERT_EQ(begun.size(), 2U);
  EXPECT_NE(begun[0], begun[1]);
  jobs.let_go(101);
  EXPECT_EQ(jobs.begun(101).size(), 101U);
}

TEST(TableTurns, CompaniesTakeTurns) {
  Jobs jobs;
  TableTurns turns({1, 1000});
  for (const auto* name : {"1", "2", "3"}) {
    ASSERT_TRUE(turns.add(table("a", name), jobs.named(std::string("a") + name)).has_value());
  }
  ASSERT_TRUE(turns.add(table("b", "1"), jobs.named("b1")).has_value());
  ASSERT_TRUE(turns.add(table("c", "1"), jobs.named("c1")).has_value());
  turns.start();
  jobs.let_go(5);
  EXPECT_EQ(jobs.begun(5), (Names{"a1", "b1", "c1", "a2", "a3"}));
}

TEST(TableTurns, ACompanyLeavesThreadsForOthers) {
  Jobs jobs;
  TableTurns turns({8, 1000});
  turns.start();
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(turns.add(table("a", std::to_string(i)), jobs.named("a")).has_value());
  }
  EXPECT_EQ(jobs.begun(4), (Names{"a", "a", "a", "a"})) << "half of the threads";
  ASSERT_TRUE(turns.add(table("b"), jobs.named("b")).has_value());
  EXPECT_EQ(jobs.begun(5), (Names{"a", "a", "a", "a", "b"})) << "at once, though 16 jobs waited before it";
  jobs.let_go(21);
  EXPECT_EQ(jobs.begun(21).size(), 21U);
}

TEST(TableTurns, ACompanyLeavesRoomToWaitForOthers) {
  Jobs jobs;
  TableTurns turns({1, 8});
  int taken = 0;
  Result<void> added = success();
  while ((added = turns.add(table("a"), jobs.named("a"))).has_value()) ++taken;
  EXPECT_EQ(taken, 4);
  EXPECT_EQ(added.error().type, "too-many-uploads");
  EXPECT_EQ(added.error().code, ErrorCode::unavailable);
  EXPECT_TRUE(turns.add(table("b"), jobs.named("b")).has_value());
  EXPECT_TRUE(turns.add_own(table("a"), jobs.named("a"))) << "of the engine itself";
  turns.start();
  jobs.let_go(6);
  EXPECT_EQ(jobs.begun(6).size(), 6U);
}

TEST(TableTurns, StopRunsWhatWaitsAndTakesNoMore) {
  Jobs jobs;
  TableTurns turns({2, 100});
  turns.start();
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(turns.add(table("a"), jobs.named("a")).has_value());
  jobs.let_go(10);
  turns.stop();
  EXPECT_EQ(jobs.begun(10).size(), 10U);
  EXPECT_EQ(turns.add(table("a"), jobs.named("a")).error().code, ErrorCode::shutting_down);
  EXPECT_FALSE(turns.add_own(table("a"), jobs.named("a")));
}

}  // namespace
}  // namespace deltadrop::ingest
