#include <gtest/gtest.h>

#include "consume/log_recorder.hpp"

namespace deltadrop::consume {
namespace {

eventlog::PartitionRef partition(std::int32_t number) { return {"topic", eventlog::Partition(number)}; }

history::LoggedEvent event(std::int32_t number, std::int64_t offset) {
  return {partition(number), eventlog::Offset(offset), Event{}};
}

history::DeadLetter letter(std::int32_t number, std::int64_t offset) {
  return {partition(number), {}, eventlog::Offset(offset), "", "", std::nullopt};
}

TEST(SplitOffHalf, EachHalfAdvancesTheOffsetsOfItsMessages) {
  history::RecordBatch batch;
  batch.recorded_at = Timestamp{7};
  batch.events = {event(0, 10), event(0, 12), event(1, 5), event(0, 14)};
  batch.dead_letters = {letter(0, 11), letter(0, 13), letter(2, 1)};
  batch.advances = {{partition(0), {}, eventlog::Offset(10), eventlog::Offset(15)},
                    {partition(1), {}, std::nullopt, eventlog::Offset(6)},
                    {partition(2), {}, eventlog::Offset(1), eventlog::Offset(2)}};
  const auto later = split_off_half(batch);
  ASSERT_EQ(batch.events.size(), 2U);
  ASSERT_EQ(later.events.size(), 2U);
  EXPECT_EQ(later.recorded_at, batch.recorded_at);
  ASSERT_EQ(batch.advances.size(), 1U);
  EXPECT_EQ(batch.advances[0].from, eventlog::Offset(10));
  EXPECT_EQ(batch.advances[0].to, eventlog::Offset(13));
  ASSERT_EQ(batch.dead_letters.size(), 1U);
  EXPECT_EQ(batch.dead_letters[0].offset, eventlog::Offset(11));
  ASSERT_EQ(later.advances.size(), 3U);
  EXPECT_EQ(later.advances[0].from, eventlog::Offset(13));
  EXPECT_EQ(later.advances[0].to, eventlog::Offset(15));
  EXPECT_EQ(later.advances[1].from, std::nullopt);
  EXPECT_EQ(later.dead_letters.size(), 2U);
}

}  // namespace
}  // namespace deltadrop::consume
