#include "http/probe.hpp"

#include <gtest/gtest.h>

#include <future>
#include <string>

namespace deltadrop::http {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Words = Probe<std::string>;

TEST(Probe, GivesTheAnswerToWhatIsAskedNow) {
  Words probe(seconds(20), seconds(0));
  for (const auto* word : {"one", "two"}) {
    probe.ask([word] { return std::string(word); });
    const auto seen = probe.look();
    EXPECT_EQ(seen.answer, word);
    EXPECT_FALSE(seen.unanswered_since);
  }
}

/// A probe whose second question hangs until it is let go.
class HangingProbe : public ::testing::Test {
 protected:
  void hang(Words& probe) {
    probe.ask([] { return std::string("before"); });
    probe.look();
    probe.ask([this] {
      hangs_.set_value();
      go_on_.get_future().wait();
      return std::string("after");
    });
    hangs_.get_future().wait();
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
  const auto first = probe.look();
  EXPECT_EQ(first.answer, "before");
  ASSERT_TRUE(first.unanswered_since);
  EXPECT_GE(*first.unanswered_since, kPatience);
  const auto begun = Words::Clock::now();
  constexpr int kLooks = 1000;
  for (int i = 0; i < kLooks; ++i) {
    probe.ask([] { return std::string("never asked"); });
    EXPECT_TRUE(probe.look().unanswered_since);
  }
  EXPECT_LT(Words::Clock::now() - begun, kLooks * kPatience / 10);
  let_go();
}

TEST_F(HangingProbe, ForgetsAnAnswerThatIsTooOld) {
  Words probe(milliseconds(1), milliseconds(0));
  hang(probe);
  const auto seen = probe.look();
  EXPECT_FALSE(seen.answer);
  EXPECT_TRUE(seen.unanswered_since);
  let_go();
}

}  // namespace
}  // namespace deltadrop::http
