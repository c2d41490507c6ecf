#include "consume/applier.hpp"

#include <thread>

#include "consume_fixture.hpp"
#include "support/history_feed.hpp"

namespace deltadrop::consume {
namespace {

/// Runs only an applier, with a history that the test fills and a clock that the test sets.
class ApplierTest : public ::testing::Test {
 protected:
  ApplierTest() {
    options_ = Pipeline::options();
    options_.waiting_report_after = Options{}.waiting_report_after;
    pipeline_.history.before = [this](std::string_view call) -> std::optional<Error> {
      if (call == "tables_to_apply") {
        ++rounds_;
        board_.progressed();
      }
      return std::nullopt;
    };
  }

  void start() {
    thread_ = std::jthread([this](const std::stop_token& stop) { applier_.run(stop); });
  }
  /// Waits until a round that began after this call has ended.
  void wait_for_a_round() {
    const int begun = rounds_;
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    auto seen = board_.progress();
    while (rounds_ < begun + 2 && std::chrono::steady_clock::now() < deadline) {
      seen = board_.wait_progress_until(seen, deadline);
    }
    ASSERT_GE(rounds_, begun + 2);
  }
  std::vector<std::string> waiting_after(std::chrono::seconds time) {
    now_ = std::chrono::steady_clock::time_point(time);
    wait_for_a_round();
    return board_.notes().waiting;
  }

  Pipeline pipeline_;
  testing::HistoryFeed feed_{pipeline_.history};
  Options options_;
  Board board_;
  std::atomic<int> rounds_ = 0;
  std::atomic<std::chrono::steady_clock::time_point> now_{};
  Applier applier_{
      options_, *pipeline_.log, pipeline_.history, pipeline_.history, pipeline_.clock, board_, [this] {
        return now_.load();
      }};
  TableStory story_{"acme"};
  std::jthread thread_;  ///< last, because it uses the other members
};

TEST_F(ApplierTest, ReportsAnUploadWithoutProgressForAMinute) {
  const auto events = story_.next(rows_of(3, "1"));
  feed_.record_all({events[0]});
  start();
  EXPECT_TRUE(waiting_after(0s).empty());
  EXPECT_TRUE(waiting_after(59s).empty());
  ASSERT_EQ(waiting_after(60s).size(), 1U);
  EXPECT_NE(board_.notes().waiting[0].find("1 of its 3 events"), std::string::npos);
  feed_.record_all({events[1]});
  EXPECT_TRUE(waiting_after(60s).empty()) << "more events arrived";
  EXPECT_TRUE(waiting_after(119s).empty());
  EXPECT_EQ(waiting_after(120s).size(), 1U);
  feed_.record_all({events[2]});
  EXPECT_TRUE(waiting_after(300s).empty());
}

}  // namespace
}  // namespace deltadrop::consume
