#include "io/probe.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <future>
#include <string>

namespace deltadrop::io {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Words = Probe<std::string>;

TEST(Probe, ReturnsTheResultOfTheCurrentCall) {
  Words probe(seconds(20), seconds(0));
  for (const auto* word : {"one", "two"}) {
    const auto seen = probe.look([word] { return std::string(word); });
    EXPECT_EQ(seen.answer, word);
    EXPECT_FALSE(seen.unanswered_since);
  }
}

/// A probe whose second call hangs until let_go().
class HangingProbe : public ::testing::Test {
 protected:
  void hang(Words& probe) {
    probe.look([] { return std::string("before"); });
    probe.ask([this] {
      hangs_.set_value();
      go_on_.get_future().wait();
      return std::string("after");
    });
    hangs_.get_future().wait();
  }
  static std::uint64_t ask_again(Words& probe) {
    return probe.ask([] { return std::string("again"); });
  }
  void let_go() { go_on_.set_value(); }

 private:
  std::promise<void> hangs_;
  std::promise<void> go_on_;
};

TEST_F(HangingProbe, IsWaitedForOnce) {
  constexpr milliseconds kPatience{300};
  Words probe(kPatience, seconds(60));
  hang(probe);
  const auto first = probe.look(ask_again(probe));
  EXPECT_EQ(first.answer, "before");
  ASSERT_TRUE(first.unanswered_since);
  const auto begun = Words::Clock::now();
  constexpr int kLooks = 1000;
  for (int i = 0; i < kLooks; ++i) {
    EXPECT_TRUE(probe.look(ask_again(probe)).unanswered_since);
  }
  EXPECT_LT(Words::Clock::now() - begun, kLooks * kPatience / 10);
  let_go();
}

TEST_F(HangingProbe, ForgetsAResultThatIsTooOld) {
  Words probe(milliseconds(1), milliseconds(0));
  hang(probe);
  const auto seen = probe.look(ask_again(probe));
  EXPECT_FALSE(seen.answer);
  EXPECT_TRUE(seen.unanswered_since);
  let_go();
}

TEST(Probe, DoesNotReturnAnEarlierResult) {
  Words probe(seconds(20), seconds(0));
  std::promise<void> begun;
  std::promise<void> go_on;
  const auto early = probe.ask([&] {
    begun.set_value();
    go_on.get_future().wait();
    return std::string("early");
  });
  begun.get_future().wait();
  const auto late = probe.ask([] { return std::string("late"); });
  go_on.set_value();
  EXPECT_TRUE(probe.look(early).answer);
  EXPECT_EQ(probe.look(late).answer, "late");
}

}  // namespace
}  // namespace deltadrop::io
