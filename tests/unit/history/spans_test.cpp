#include <gtest/gtest.h>

#include "history/decisions.hpp"

namespace deltadrop::history {
namespace {

EventSpan span(ChangeType type, std::int64_t first, std::int64_t last, std::int64_t events) {
  return {type, Seq(first), Seq(last), events};
}

TEST(EventSpans, OneTypeIsOneSpanHoweverManyItHas) {
  EventSpans spans;
  for (std::int64_t seq = 1; seq <= 5'000; ++seq) spans.add(span(ChangeType::insert, seq, seq, 1));
  EXPECT_EQ(spans.all(), std::vector{span(ChangeType::insert, 1, 5'000, 5'000)});
  EXPECT_EQ(spans.events(ChangeType::insert), 5'000);
  EXPECT_EQ(spans.events(ChangeType::remove), 0);
}

TEST(EventSpans, ThoseWithOtherEventsInThemAreNarrow) {
  EventSpans spans;
  const auto second = kSpanSeqs + 1;
  for (const std::int64_t seq : {std::int64_t{1}, kSpanSeqs, second, second + 2}) {
    spans.add(span(ChangeType::update, seq, seq, 1));
  }
  EXPECT_EQ(spans.all(), (std::vector{span(ChangeType::update, 1, kSpanSeqs, 2),
                                      span(ChangeType::update, second, second + 2, 2)}));
}

TEST(EventSpans, AreTheSameFromBlocks) {
  EventSpans spans;
  spans.add(span(ChangeType::remove, 1, 1'024, 1'024));
  spans.add(span(ChangeType::remove, 1'025, 1'100, 76));
  spans.add(span(ChangeType::update, 1'101, 2'000, 3));
  spans.add(span(ChangeType::update, 2'060, 3'000, 2));
  EXPECT_EQ(spans.all(),
            (std::vector{span(ChangeType::update, 1'101, 2'000, 3), span(ChangeType::update, 2'060, 3'000, 2),
                         span(ChangeType::remove, 1, 1'100, 1'100)}));
}

}  // namespace
}  // namespace deltadrop::history
