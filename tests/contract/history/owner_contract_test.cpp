#include <algorithm>

#include "history/conflicts.hpp"
#include "history_contract.hpp"

// The owners of tables, and the effects of a choice between the chains of a fork.
namespace deltadrop::history {
namespace {

const Rows kOwn1 = {{"a", {{"v", "1"}}}, {"b", {{"v", "2"}}}};
const Rows kOwn2 = {{"a", {{"v", "10"}}}, {"c", {{"v", "3"}}}};
const Rows kOwn3 = {{"a", {{"v", "10"}}}, {"c", {{"v", "30"}}}};
const Rows kOther2 = {{"b", {{"v", "200"}}}, {"z", {{"v", "9"}, {"w", "8"}}}};

ArchiveId archive(std::uint8_t number) {
  ArchiveId id;
  id.bytes[15] = number;
  return id;
}

std::vector<Event> of_archive(std::vector<Event> events, std::uint8_t number) {
  for (auto& event : events) event.upload.archive_id = archive(number);
  return events;
}

UploadId id_of(const std::vector<Event>& events) { return events.front().upload.upload_id; }

class OwnerContract : public HistoryContract {
 protected:
  std::optional<ArchiveId> owner() { return must(store_->ownership(story_.table())).owner; }
  UploadState state(const std::vector<Event>& events) { return upload(id_of(events)).state; }

  /// Returns the uploads of the table's deletes, found by type.
  std::vector<UploadId> deletes() {
    EventQuery query;
    query.company_id = story_.table().company_id;
    query.type = ChangeType::remove;
    std::vector<UploadId> uploads;
    for (const auto& applied : must(store_->events(query))) {
      uploads.push_back(applied.event.upload.upload_id);
    }
    return uploads;
  }

  /// Returns the next version of a copy of `story` as a different upload.
  static std::vector<Event> other_next(TableStory& story, const Rows& rows, std::uint32_t number) {
    auto events = story.next(rows);
    for (auto& event : events) {
      event.upload.upload_id = testing::upload_id_of(77, number);
      event.event_id = EventId::of(event.upload.upload_id, event.seq);
      event.upload.file_sha256.bytes[1] = 77;
      if (number > 2) event.upload.previous_upload_id = testing::upload_id_of(77, number - 1);
    }
    return events;
  }

  /// Records and applies versions 1 to 3, then records other versions 2 and 3 after version 1, which are in
  /// conflict.
  void fork() {
    first_ = story_.next(kOwn1);
    record_and_apply(first_);
    TableStory copy = story_;
    second_ = story_.next(kOwn2);
    third_ = story_.next(kOwn3);
    other_second_ = other_next(copy, kOther2, 2);
    other_third_ = other_next(copy, kOwn3, 3);
    record_and_apply(second_);
    record_and_apply(third_);
    feed_.record_all(other_second_);
    feed_.record_all(other_third_);
  }

  std::vector<Event> first_, second_, third_, other_second_, other_third_;
};

TEST_P(OwnerContract, TheFirstArchiveOwnsTheTable) {
  EXPECT_EQ(owner(), std::nullopt);
  EXPECT_TRUE(must(store_->archives()).empty());
  const auto mine = of_archive(story_.next(kOwn1), 1);
  record_and_apply(mine);
  reopen();
  EXPECT_EQ(owner(), archive(1));
  EXPECT_EQ(must(store_->ownership(story_.table())).first_upload, id_of(mine));
  EXPECT_EQ(upload(id_of(mine)).facts.archive_id, archive(1));
  // Its events name the archive too.
  EXPECT_EQ(must(store_->events({})).at(0).event, mine[0]);
}

TEST_P(OwnerContract, UploadsOfAnotherArchiveAreConflicts) {
  const auto mine = of_archive(story_.next(kOwn1), 1);
  record_and_apply(mine);
  TableStory other("acme", 9);
  const auto first = of_archive(other.next(kOwn2), 2);
  const auto second = of_archive(other.next(kOwn3), 2);
  const auto report = feed_.record_all(first);
  ASSERT_EQ(report.conflicts.size(), 1U);
  EXPECT_EQ(report.conflicts[0].facts.upload_id, id_of(first));
  const auto line = conflict_line(report.conflicts[0]);
  for (const auto& part :
       {archive(1).to_string(), archive(2).to_string(), id_of(first).to_string(),
        std::string("deltadrop conflict resolve acme financials"), std::string("keep the database")}) {
    EXPECT_NE(line.find(part), std::string::npos) << part << " in " << line;
  }
  EXPECT_TRUE(feed_.record_all(first).conflicts.empty()) << "reported once";
  // No upload of archive 1 has version 2 yet, so only the owner reveals the conflict.
  feed_.record_all(second);
  EXPECT_EQ(state(first), UploadState::conflict);
  EXPECT_EQ(state(second), UploadState::conflict);
  EXPECT_EQ(owner(), archive(1));
  record_and_apply(of_archive(story_.next(kOwn2), 1));
}

TEST_P(OwnerContract, TablesOfSeveralArchivesAreSideBySide) {
  record_and_apply(of_archive(story_.next(kOwn1), 1));
  TableStory other("zeta", 2);
  record_and_apply(of_archive(other.next(kOwn1), 2));
  TableStory old("older", 3);
  record_and_apply(old.next(kOwn1));
  const auto known = must(store_->archives());
  ASSERT_EQ(known.size(), 3U);
  const auto tables_of = [&](const std::optional<ArchiveId>& id) {
    const auto found =
        std::find_if(known.begin(), known.end(), [&](const auto& each) { return each.archive == id; });
    return found == known.end() ? std::vector<TableRef>() : found->examples;
  };
  EXPECT_EQ(tables_of(archive(1)), std::vector<TableRef>{story_.table()});
  EXPECT_EQ(tables_of(archive(2)), std::vector<TableRef>{other.table()});
  EXPECT_EQ(tables_of(std::nullopt), std::vector<TableRef>{old.table()});
}

TEST_P(OwnerContract, EventsWithoutArchiveEqualThoseWithOne) {
  const auto old = story_.next(kOwn1);
  feed_.record_all(old);
  EXPECT_EQ(feed_.record_all(of_archive(old, 1)).already_there, 2);
  EXPECT_EQ(must(store_->summary()).dead_letters, 0);
  EXPECT_EQ(state(old), UploadState::recorded);
  auto other = of_archive(story_.next(kOwn2), 1);
  feed_.record_all(other);
  feed_.record_all(of_archive(other, 2));
  EXPECT_GT(must(store_->summary()).dead_letters, 0) << "one upload is of one archive";
}

TEST_P(OwnerContract, TheNextUploadOfAnOlderTableClaimsIt) {
  record_and_apply(story_.next(kOwn1));
  EXPECT_EQ(owner(), std::nullopt);
  // Uploads of another archive do not claim the table, whatever their version.
  TableStory other("acme", 9);
  const auto foreign = of_archive(other.next(kOwn2), 2);
  const auto foreign_next = of_archive(other.next(kOwn3), 2);
  feed_.record_all(foreign_next);
  feed_.record_all(foreign);
  EXPECT_EQ(owner(), std::nullopt);
  record_and_apply(of_archive(story_.next(kOwn2), 1));
  EXPECT_EQ(owner(), archive(1));
}

TEST_P(OwnerContract, AnUploadRecordedBeforeTheConflictThatItFollowsGoesAlong) {
  record_and_apply(story_.next(kOwn1));
  TableStory other("acme", 9);
  const auto first = other.next(kOwn2);
  const auto second = other.next(kOwn3);
  feed_.record_all(second);
  EXPECT_EQ(state(second), UploadState::recorded);
  EXPECT_EQ(feed_.record_all(first).conflicts.size(), 2U);
  EXPECT_EQ(state(second), UploadState::conflict);
  const auto mine = story_.next(kOwn2);
  record_and_apply(mine);
  EXPECT_EQ(state(mine), UploadState::applied) << "its place was free";
}

TEST_P(OwnerContract, KeepingWhatIsAppliedSetsTheOthersAside) {
  fork();
  TableStory elsewhere("elsewhere", 5);
  TableStory copy = elsewhere;
  record_and_apply(elsewhere.next(kOwn1));
  EXPECT_EQ(must(store_->summary()).blocked.size(), 2U);
  const auto before = data_at(story_.table(), at(9));
  const auto plan = must(store_->resolve(story_.table(), id_of(third_), now_));
  EXPECT_FALSE(plan.undoes);
  EXPECT_EQ(plan.set_aside.size(), 2U);
  EXPECT_TRUE(must(store_->summary()).blocked.empty());
  EXPECT_EQ(upload(id_of(other_second_)).state, UploadState::conflict);
  EXPECT_EQ(upload(id_of(other_second_)).set_aside_at, now_);
  EXPECT_EQ(upload(id_of(other_second_)).recorded, std::ssize(other_second_)) << "its events stay";
  EXPECT_EQ(data_at(story_.table(), at(9)), before);
  record_and_apply(story_.next(kOwn1));
  record_and_apply(elsewhere.next(kOwn2));
  EXPECT_EQ(must(store_->resolve(story_.table(), id_of(third_), now_)).kept.size(), 3U);
}

TEST_P(OwnerContract, KeepingTheOtherChainUndoesWhatWasApplied) {
  fork();
  TableStory elsewhere("elsewhere", 5);
  record_and_apply(elsewhere.next(kOwn1));
  for (const auto& events : {first_, second_, third_}) {
    must(store_->mark_in_lake(id_of(events), {{"v", ColumnType::int64}, {"gone", ColumnType::int64}}, now_));
  }
  const auto plan = must(store_->resolve(story_.table(), id_of(other_third_), now_));
  EXPECT_TRUE(plan.undoes);
  EXPECT_EQ(plan.revived.size(), 2U);
  EXPECT_EQ(data_at(story_.table(), at(9)), data_of(kOwn1)) << "as after the last common version";
  EXPECT_EQ(upload(id_of(first_)).applied_no, AppliedNo(1)) << "what both have in common stays as it is";
  EXPECT_EQ(upload(id_of(first_)).in_lake_at, std::nullopt);
  EXPECT_TRUE(must(store_->lake_columns(story_.table())).empty());
  EXPECT_TRUE(applies(story_.table()));
  EXPECT_EQ(data_at(story_.table(), at(2)), data_of(kOther2));
  EXPECT_TRUE(applies(story_.table()));
  EXPECT_EQ(waiting_for(story_.table()), "");
  EXPECT_EQ(data_at(story_.table(), at(1)), data_of(kOwn1));
  EXPECT_EQ(data_at(story_.table(), at(3)), data_of(kOwn3));
  EXPECT_EQ(data_at(TableRef{"elsewhere", "financials"}, at(9)), data_of(kOwn1)) << "another table";
  EXPECT_EQ(state(second_), UploadState::conflict);
  EXPECT_EQ(upload(id_of(second_)).recorded, std::ssize(second_));
  EXPECT_EQ(upload(id_of(second_)).applied_no, std::nullopt);
  EXPECT_TRUE(must(store_->summary()).blocked.empty());
  EXPECT_EQ(deletes(),
            (std::vector<UploadId>{id_of(other_second_), id_of(other_third_), id_of(other_third_)}))
      << "those of uploads that were set aside are not applied";
  // The reverse choice restores everything.
  must(store_->resolve(story_.table(), id_of(third_), now_));
  EXPECT_TRUE(applies(story_.table()));
  EXPECT_TRUE(applies(story_.table()));
  EXPECT_EQ(data_at(story_.table(), at(2)), data_of(kOwn2));
  EXPECT_EQ(data_at(story_.table(), at(9)), data_of(kOwn3));
  EXPECT_EQ(deletes(), (std::vector<UploadId>{id_of(second_)})) << "each where it is applied now, and once";
  record_and_apply(story_.next(kOwn1));
}

TEST_P(OwnerContract, AnUploadInTheMiddleCutsWhatFollowsIt) {
  fork();
  must(store_->resolve(story_.table(), id_of(second_), now_));
  EXPECT_EQ(data_at(story_.table(), at(9)), data_of(kOwn2));
  EXPECT_EQ(state(third_), UploadState::conflict);
  // The cut upload's position is free, but an upload that follows it is in conflict.
  const auto late = story_.next(kOwn1);
  feed_.record_all(late);
  EXPECT_EQ(state(late), UploadState::conflict);
}

TEST_P(OwnerContract, KeepingTheOtherArchivesUploadsMakesItTheOwner) {
  const auto mine = of_archive(story_.next(kOwn1), 1);
  record_and_apply(mine);
  TableStory other("acme", 9);
  const auto theirs = of_archive(other.next(kOwn2), 2);
  feed_.record_all(theirs);
  must(store_->resolve(story_.table(), id_of(theirs), now_));
  EXPECT_EQ(owner(), archive(2));
  EXPECT_TRUE(applies(story_.table()));
  EXPECT_EQ(data_at(story_.table(), at(9)), data_of(kOwn2));
  record_and_apply(of_archive(other.next(kOwn3), 2));
  const auto refused = of_archive(story_.next(kOwn2), 1);
  feed_.record_all(refused);
  EXPECT_EQ(state(refused), UploadState::conflict);
}

TEST_P(OwnerContract, KeepingNoUploadFreesTheTable) {
  record_and_apply(of_archive(story_.next(kOwn1), 1));
  const auto plan = must(store_->resolve(story_.table(), std::nullopt, now_));
  EXPECT_TRUE(plan.kept.empty());
  EXPECT_EQ(owner(), std::nullopt);
  EXPECT_TRUE(data_at(story_.table(), at(9)).empty());
  TableStory other("acme", 9);
  record_and_apply(of_archive(other.next(kOwn2), 2));
  EXPECT_EQ(owner(), archive(2));
  EXPECT_EQ(data_at(story_.table(), at(9)), data_of(kOwn2));
}

TEST_P(OwnerContract, AChainWithAGapOrAnUnknownEndIsRefused) {
  fork();
  const auto unknown = testing::upload_id_of(5, 5);
  EXPECT_EQ(error_of(store_->resolve(story_.table(), unknown, now_)), "not_found/no-such-upload");
  TableStory other("acme", 9);
  other.next(kOwn1);
  const auto second = other.next(kOwn2);
  feed_.record_all(second);
  EXPECT_EQ(error_of(store_->resolve(story_.table(), id_of(second), now_)), "conflict/chain-incomplete");
  EXPECT_EQ(must(store_->uploads_of(story_.table())).size(), 6U);
  EXPECT_EQ(data_at(story_.table(), at(9)), data_of(kOwn3));
}

TEST_P(OwnerContract, ChainsAreToldApart) {
  fork();
  const auto chains = chains_of(must(store_->uploads_of(story_.table())));
  ASSERT_EQ(chains.size(), 2U);
  EXPECT_EQ(chains[0].applied, 3);
  EXPECT_EQ(chains[0].uploads.back().facts.upload_id, id_of(third_));
  EXPECT_EQ(chains[1].applied, 1);
  EXPECT_EQ(chains[1].uploads.back().facts.upload_id, id_of(other_third_));
  EXPECT_EQ(chains[1].uploads.size(), 3U);
}

INSTANTIATE_TEST_SUITE_P(Adapters, OwnerContract, ::testing::ValuesIn(adapters().begin(), adapters().end()),
                         [](const auto& adapter) { return adapter.param.name; });

}  // namespace
}  // namespace deltadrop::history
