#include "history_contract.hpp"

namespace deltadrop::history {
namespace {

class ApplyContract : public HistoryContract {};

const Rows kV1 = {{"a", {{"v", "1"}}}, {"b", {{"v", "2"}}}, {"c", {{"v", "3"}}}};
const Rows kV2 = {{"a", {{"v", "1"}}}, {"b", {{"v", "20"}}}, {"d", {{"v", "4"}}}};

TEST_P(ApplyContract, OpensAndClosesRows) {
  record_and_apply(story_.next(kV1));
  feed_.record_all(story_.next(kV2));
  const auto outcome = apply(story_.table());
  ASSERT_TRUE(std::holds_alternative<Applied>(outcome));
  const auto& applied = std::get<Applied>(outcome);
  EXPECT_EQ(applied.opened, 2);
  EXPECT_EQ(applied.closed, 2);
  EXPECT_EQ(applied.upload.applied_no, AppliedNo(2));
  EXPECT_EQ(applied.upload.applied_at, now_);
  EXPECT_EQ(applied.upload.state, UploadState::applied);
  const auto found = records(story_.table(), at(2));
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[0].version, Version(1)) << "a row that did not change keeps its version";
  EXPECT_EQ(found[1].version, Version(2));
  EXPECT_EQ(found[1].valid_from, at(2));
  EXPECT_EQ(found[1].valid_to, std::nullopt);
  EXPECT_TRUE(must(store_->tables_to_apply()).empty());
}

TEST_P(ApplyContract, TellsWhichTablesHaveAnAppliedUpload) {
  TableStory other("zeta", 2);
  record_and_apply(other.next(kV1));
  record_and_apply(story_.next(kV1));
  record_and_apply(story_.next(kV2));
  TableStory waiting("beta", 3);
  feed_.record_all(waiting.next(kV1));
  EXPECT_EQ(must(store_->applied_tables()), (std::vector<TableRef>{story_.table(), other.table()}));
}

TEST_P(ApplyContract, GoesAlongTheChainInAnyOrderOfArrival) {
  const auto first = story_.next(kV1);
  const auto second = story_.next(kV2);
  const auto third = story_.next(kV1);
  feed_.record_all(third);
  feed_.record_all(second);
  EXPECT_NE(waiting_for(story_.table()).find("predecessor"), std::string::npos)
      << waiting_for(story_.table());
  EXPECT_EQ(must(store_->tables_to_apply()), std::vector<TableRef>{story_.table()});
  EXPECT_TRUE(must(store_->applied_tables()).empty());
  feed_.record_all(first);
  for (const auto& events : {first, second, third}) {
    const auto outcome = apply(story_.table());
    ASSERT_TRUE(std::holds_alternative<Applied>(outcome));
    EXPECT_EQ(std::get<Applied>(outcome).upload.facts.upload_id, events[0].upload.upload_id);
  }
  EXPECT_EQ(waiting_for(story_.table()), "");
}

TEST_P(ApplyContract, NumbersTheUploadsOfAllTablesWithoutGaps) {
  TableStory other("zeta", 2);
  record_and_apply(story_.next(kV1));
  record_and_apply(other.next(kV1));
  record_and_apply(story_.next(kV2));
  const auto last = other.next(kV2);
  record_and_apply(last);
  EXPECT_EQ(upload(last[0].upload.upload_id).applied_no, AppliedNo(4));
}

TEST_P(ApplyContract, ShowsAllOfAnUploadOrNothing) {
  record_and_apply(story_.next(kV1));
  const auto second = story_.next(kV2);
  feed_.record_all({second[0], second[1]});
  EXPECT_EQ(data_at(story_.table(), at(2)), data_of(kV1));
  EXPECT_EQ(must(store_->events({})).size(), 3U) << "events of an upload that is not applied are not shown";
  EXPECT_FALSE(applies(story_.table()));
  feed_.record_all({second[2]});
  EXPECT_EQ(data_at(story_.table(), at(2)), data_of(kV1));
  EXPECT_TRUE(applies(story_.table()));
  EXPECT_EQ(data_at(story_.table(), at(2)), data_of(kV2));
}

struct Misfit {
  std::string name;
  std::function<void(std::vector<Event>&)> spoil;
  std::string complaint;
};

TEST_P(ApplyContract, AMisfitIsAConflictThatNamesTheKeyAndChangesNothing) {
  const std::vector<Misfit> misfits = {
      {"old values of an update", [](auto& events) { events[1].old_values_json = R"({"v":"22"})"; },
       "\"b\" (seq 2)"},
      {"old values of a delete", [](auto& events) { events[0].old_values_json = R"({"v":"33"})"; },
       "\"c\" (seq 1)"},
      {"an update of a key without row", [](auto& events) { events[1].key_value = "x"; }, "\"x\" (seq 2)"},
      {"an insert of an open key", [](auto& events) { events[2].key_value = "a"; }, "\"a\" (seq 3)"},
      {"a key changed twice",
       [](auto& events) {
         events[0].key_value = "b";
         events[0].old_values_json = events[1].old_values_json;
       },
       "twice"},
      {"values that hold from before the version before",
       [](auto& events) {
         for (auto& event : events) event.upload.effective_at = at(1);
       },
       "not later than"},
  };
  std::uint32_t number = 100;
  for (const auto& misfit : misfits) {
    TableStory story("company" + std::to_string(number), number);
    ++number;
    record_and_apply(story.next(kV1));
    auto events = story.next(kV2);
    misfit.spoil(events);
    feed_.record_all(events);
    const auto reason = conflict_of(story.table());
    EXPECT_NE(reason.find(misfit.complaint), std::string::npos) << misfit.name << ": " << reason;
    EXPECT_EQ(upload(events[0].upload.upload_id).state, UploadState::conflict) << misfit.name;
    EXPECT_EQ(data_at(story.table(), at(9)), data_of(kV1)) << misfit.name;
    EXPECT_EQ(waiting_for(story.table()), "") << misfit.name;
    feed_.record_all(story.next(kV1));
    EXPECT_NE(waiting_for(story.table()).find("predecessor"), std::string::npos) << misfit.name;
  }
}

TEST_P(ApplyContract, ARekeyClosesBeforeItOpens) {
  record_and_apply(story_.next(kV1));
  const auto events = story_.next(kV2, true);
  ASSERT_EQ(events.size(), 6U);
  record_and_apply(events);
  EXPECT_EQ(data_at(story_.table(), at(1)), data_of(kV1));
  EXPECT_EQ(data_at(story_.table(), at(2)), data_of(kV2));
}

TEST_P(ApplyContract, AKeyMayComeBackAfterItsDeletion) {
  record_and_apply(story_.next(kV1));
  record_and_apply(story_.next(kV2));
  record_and_apply(story_.next(kV1));
  EXPECT_EQ(data_at(story_.table(), at(1)), data_of(kV1));
  EXPECT_EQ(data_at(story_.table(), at(2)), data_of(kV2));
  EXPECT_EQ(data_at(story_.table(), at(3)), data_of(kV1));
}

TEST_P(ApplyContract, AnAbsentColumnEqualsNullAndOrderDoesNotMatter) {
  record_and_apply(story_.next({{"a", {{"v", "1"}, {"w", std::nullopt}}}}));
  auto second = story_.next({{"a", {{"v", "2"}}}});
  second[0].old_values_json = R"({ "new" : null, "v":"\u0031" })";
  second[0].new_values_json = R"({"x":"\"","v":"2"})";
  record_and_apply(second);
  auto third = story_.next({{"a", {{"v", "3"}}}});
  third[0].old_values_json = R"({"v":"2","x":"\u0022"})";
  record_and_apply(third);
  EXPECT_EQ(records(story_.table(), at(3))[0].data_json, R"({"v":"3"})");
}

TEST_P(ApplyContract, SurvivesReopen) {
  record_and_apply(story_.next(kV1));
  reopen();
  EXPECT_EQ(data_at(story_.table(), at(1)), data_of(kV1));
}

TEST_P(ApplyContract, TheLakeTakesUploadsOneATableOldestFirst) {
  TableStory other("zeta", 2);
  const auto first = story_.next(kV1);
  const auto second = story_.next(kV2);
  const auto third = other.next(kV1);
  record_and_apply(first);
  record_and_apply(second);
  record_and_apply(third);
  auto waiting = must(store_->uploads_for_lake());
  ASSERT_EQ(waiting.size(), 2U);
  EXPECT_EQ(waiting[0].facts, first[0].upload);
  EXPECT_EQ(waiting[1].facts, third[0].upload);
  EXPECT_EQ(must(store_->summary()).uploads_not_in_lake, 3);
  EXPECT_TRUE(must(store_->lake_columns(story_.table())).empty());
  must(store_->mark_in_lake(first[0].upload.upload_id, {{"v", ColumnType::null}, {"B", ColumnType::string}},
                            now_));
  must(store_->mark_in_lake(first[0].upload.upload_id, {{"v", ColumnType::decimal18}}, now_.plus_ms(5)));
  EXPECT_EQ(upload(first[0].upload.upload_id).in_lake_at, now_) << "the first time counts";
  const std::vector<LakeColumn> columns = {{"B", ColumnType::string}, {"v", ColumnType::decimal18}};
  EXPECT_EQ(must(store_->lake_columns(story_.table())), columns);
  waiting = must(store_->uploads_for_lake());
  ASSERT_EQ(waiting.size(), 2U);
  EXPECT_EQ(waiting[0].facts.upload_id, second[0].upload.upload_id);
  EXPECT_EQ(error_of(store_->mark_in_lake(testing::upload_id_of(5, 5), {}, now_)),
            "not_found/no-such-upload");
  const auto unapplied = other.next(kV2);
  feed_.record_all(unapplied);
  EXPECT_EQ(error_of(store_->mark_in_lake(unapplied[0].upload.upload_id, {}, now_)), "conflict/not-applied");
  EXPECT_EQ(must(store_->applied_uploads(story_.table(), Version(1))).size(), 1U);
  EXPECT_EQ(must(store_->applied_uploads(story_.table(), Version(9))).size(), 2U);
}

TEST_P(ApplyContract, SaysWhichOfManyUploadsAreApplied) {
  TableStory other("zeta", 2);
  const auto first = story_.next(kV1);
  const auto second = story_.next(kV2);
  const auto third = other.next(kV1);
  record_and_apply(first);
  feed_.record_all(second);
  record_and_apply(third);
  const auto id_of = [](const auto& events) { return events[0].upload.upload_id; };
  std::set<UploadId> asked = {id_of(first), id_of(second), id_of(third)};
  for (int i = 0; i < 3000; ++i) asked.insert(testing::upload_id_of(9, i));
  EXPECT_EQ(must(store_->applied_among(asked)), (std::set<UploadId>{id_of(first), id_of(third)}));
  EXPECT_EQ(must(store_->applied_among({id_of(second)})), std::set<UploadId>{});
  EXPECT_EQ(must(store_->applied_among({})), std::set<UploadId>{});
}

INSTANTIATE_TEST_SUITE_P(Adapters, ApplyContract, ::testing::ValuesIn(adapters().begin(), adapters().end()),
                         [](const auto& adapter) { return adapter.param.name; });

}  // namespace
}  // namespace deltadrop::history
