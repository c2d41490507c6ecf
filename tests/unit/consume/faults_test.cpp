#include "consume_fixture.hpp"
#include "support/captured_log.hpp"

namespace deltadrop::consume {
namespace {

/// The way in which the Nth call of the history fails.
struct Fault {
  std::string name;
  bool after_effect;
  ErrorCode code;
};

class HistoryFaults : public ::testing::TestWithParam<Fault> {};

/// Runs the pipeline with call number `failing` failing. Returns the total number of calls.
int run_with_fault(const Fault& fault, int failing) {
  const testing::CapturedLog log;
  Pipeline pipeline;
  std::atomic<int> calls = 0;
  const auto fails = [&](std::string_view call) -> std::optional<Error> {
    // Only a call that changes something can be in doubt.
    const bool changes = call == "record" || call == "apply_next" || call == "mark_in_lake";
    if (fault.code == ErrorCode::in_doubt && !changes) return std::nullopt;
    if (++calls != failing) return std::nullopt;
    return Error{fault.code, "injected",
                 "call " + std::to_string(failing) + " (" + std::string(call) + ") fails", ""};
  };
  (fault.after_effect ? pipeline.history.after : pipeline.history.before) = fails;
  TableStory story("acme");
  const Rows first = rows_of(6, "1");
  const Rows second = rows_of(4, "2");
  pipeline.publish(story.next(first));
  const auto last = story.next(second);
  pipeline.publish(last);
  auto consumer = pipeline.consumer();
  consumer->start();
  EXPECT_TRUE(pipeline.wait_in_lake(*consumer, last)) << fault.name << " at call " << failing;
  EXPECT_FALSE(consumer->health().stopped.has_value()) << fault.name << " at call " << failing;
  consumer->stop();
  EXPECT_EQ(pipeline.data_at(story.table(), Version(1)), Pipeline::data_of(first))
      << fault.name << " at " << failing;
  EXPECT_EQ(pipeline.data_at(story.table(), Version(2)), Pipeline::data_of(second))
      << fault.name << " at " << failing;
  EXPECT_EQ(must(pipeline.store->upload(last[0].upload.upload_id))->applied_no, AppliedNo(2));
  EXPECT_EQ(must(pipeline.store->summary()).dead_letters, 0) << fault.name << " at " << failing;
  std::int64_t recorded = 0;
  for (const auto& offset : must(pipeline.store->offsets("topic"))) recorded += offset.next.value;
  EXPECT_EQ(recorded, 12) << fault.name << " at " << failing;
  consumer.reset();
  EXPECT_EQ(log.text().find("another consumer has recorded"), std::string::npos)
      << fault.name << " at " << failing << ": a commit in doubt must not look like another consumer's";
  return calls;
}

TEST_P(HistoryFaults, NothingIsLostOrDoubledWhicheverCallFails) {
  int failing = 1;
  while (run_with_fault(GetParam(), failing) >= failing && !HasFailure()) ++failing;
  EXPECT_GT(failing, 7) << "the runs made fewer calls than expected";
}

INSTANTIATE_TEST_SUITE_P(Faults, HistoryFaults,
                         ::testing::Values(Fault{"before", false, ErrorCode::unavailable},
                                           Fault{"before_in_doubt", false, ErrorCode::in_doubt},
                                           Fault{"after_in_doubt", true, ErrorCode::in_doubt}),
                         [](const auto& fault) { return fault.param.name; });

}  // namespace
}  // namespace deltadrop::consume
