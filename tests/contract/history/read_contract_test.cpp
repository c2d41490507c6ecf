#include <fmt/format.h>

#include <algorithm>
#include <random>

#include "history_contract.hpp"

namespace deltadrop::history {
namespace {

class ReadContract : public HistoryContract {
 protected:
  ReadContract() {
    for (const auto& rows : versions_) {
      all_.push_back(story_.next(rows));
      record_and_apply(all_.back());
    }
  }

  std::vector<std::string> ids(const EventQuery& query) {
    std::vector<std::string> found;
    for (const auto& applied : must(store_->events(query))) {
      found.push_back(std::to_string(applied.applied_no.value) + "/" +
                      std::to_string(applied.event.seq.value));
    }
    return found;
  }

  /// Returns the time at which the upload all_[index] was accepted.
  [[nodiscard]] Timestamp accepted(std::size_t index) const { return all_[index][0].upload.timestamp; }

  const std::vector<Rows> versions_ = {
      {{"a", {{"v", "1"}}}, {"b", {{"v", "2"}}}, {"\xC3\xA9", {{"v", "3"}}}},
      {{"a", {{"v", "10"}}}, {"b", {{"v", "2"}}}},
      {{"b", {{"v", "20"}}}, {"\xC3\xA9", {{"v", "30"}}}},
  };
  std::vector<std::vector<Event>> all_;
};

TEST_P(ReadContract, IntervalsAreHalfOpen) {
  const auto& table = story_.table();
  EXPECT_TRUE(data_at(table, TableStory::effective_at(Version(1)).plus_ms(-1)).empty());
  for (std::int64_t version = 1; version <= 3; ++version) {
    const auto& rows = versions_[static_cast<std::size_t>(version - 1)];
    const auto from = TableStory::effective_at(Version(version));
    EXPECT_EQ(data_at(table, from), data_of(rows)) << "at the first moment of version " << version;
    EXPECT_EQ(data_at(table, TableStory::effective_at(Version(version + 1)).plus_ms(-1)), data_of(rows))
        << "at the last moment of version " << version;
  }
  const auto first = records(table, TableStory::effective_at(Version(1)));
  EXPECT_EQ(first[0].valid_to, TableStory::effective_at(Version(2)));
  EXPECT_EQ(first[1].valid_to, TableStory::effective_at(Version(3)));
  EXPECT_TRUE(data_at({"nobody", "financials"}, now_).empty());
}

TEST_P(ReadContract, RecordsPageByKeyInByteOrder) {
  for (const std::int64_t version : {1, 3}) {
    const auto as_of = TableStory::effective_at(Version(version));
    const auto all = records(story_.table(), as_of);
    std::vector<std::string> keys;
    std::optional<std::string> after;
    while (true) {
      const auto page = must(store_->records({story_.table(), as_of, after, 1}));
      if (page.empty()) break;
      ASSERT_EQ(page.size(), 1U);
      keys.push_back(page[0].key);
      after = page[0].key;
    }
    ASSERT_EQ(keys.size(), all.size());
    for (std::size_t i = 0; i < keys.size(); ++i) EXPECT_EQ(keys[i], all[i].key);
    EXPECT_EQ(keys.back(), "\xC3\xA9");
  }
}

TEST_P(ReadContract, AKeysHistoryIsAllItsChangesOldestFirst) {
  const auto changes = must(store_->key_history(story_.table(), "a"));
  ASSERT_EQ(changes.size(), 3U);
  EXPECT_EQ(changes[0].event.type, ChangeType::insert);
  EXPECT_EQ(changes[1].event.type, ChangeType::update);
  EXPECT_EQ(changes[2].event.type, ChangeType::remove);
  EXPECT_EQ(changes[1].event.changed_columns, std::vector<std::string>{"v"});
  EXPECT_EQ(changes[1].applied_no, AppliedNo(2));
  EXPECT_EQ(changes[1].event, all_[1][1]) << "an event comes back as it was recorded";
  EXPECT_TRUE(must(store_->key_history({"other", "financials"}, "a")).empty());
}

TEST_P(ReadContract, EventsFollowTheCursor) {
  const auto all = ids({});
  ASSERT_EQ(all.size(), 8U);
  EXPECT_EQ(all.front(), "1/1");
  EXPECT_EQ(all.back(), "3/3");
  std::vector<std::string> paged;
  EventQuery query;
  query.limit = 2;
  while (true) {
    const auto page = must(store_->events(query));
    if (page.empty()) break;
    EXPECT_LE(page.size(), 2U);
    for (const auto& applied : page) {
      paged.push_back(std::to_string(applied.applied_no.value) + "/" +
                      std::to_string(applied.event.seq.value));
    }
    query.after = EventCursor{page.back().applied_no, page.back().event.seq};
  }
  EXPECT_EQ(paged, all);
}

TEST_P(ReadContract, EventsAreFiltered) {
  TableStory other("zeta", 2);
  record_and_apply(other.next({{"a", {{"v", "1"}}}}));
  using Ids = std::vector<std::string>;
  struct Case {
    std::string name;
    std::function<void(EventQuery&)> set;
    Ids expected;
  };
  const std::vector<Case> cases = {
      {"company", [](auto& q) { q.company_id = "zeta"; }, {"4/1"}},
      {"no such table", [](auto& q) { q.table_name = "none"; }, {}},
      {"type", [](auto& q) { q.type = ChangeType::remove; }, {"2/1", "3/1"}},
      {"key of all tables", [](auto& q) { q.key_value = "a"; }, {"1/1", "2/2", "3/1", "4/1"}},
      {"key and type", [](auto& q) { q.key_value = "a", q.type = ChangeType::insert; }, {"1/1", "4/1"}},
      {"key after a cursor",
       [](auto& q) { q.key_value = "a", q.after = EventCursor{AppliedNo(2), Seq(1)}; },
       {"2/2", "3/1", "4/1"}},
      {"upload", [this](auto& q) { q.upload_id = all_[1][0].upload.upload_id; }, {"2/1", "2/2"}},
      {"upload after a cursor",
       [this](auto& q) {
         q.upload_id = all_[1][0].upload.upload_id;
         q.after = EventCursor{AppliedNo(2), Seq(1)};
       },
       {"2/2"}},
      {"upload before the cursor",
       [this](auto& q) {
         q.upload_id = all_[1][0].upload.upload_id;
         q.after = EventCursor{AppliedNo(3), Seq(1)};
       },
       {}},
      {"upload of another company",
       [this](auto& q) { q.upload_id = all_[1][0].upload.upload_id, q.company_id = "zeta"; },
       {}},
      {"no such upload", [](auto& q) { q.upload_id = testing::upload_id_of(9, 9); }, {}},
      {"since, which is inclusive",
       [this](auto& q) { q.since = accepted(1); },
       {"2/1", "2/2", "3/1", "3/2", "3/3"}},
      {"until, which is exclusive", [this](auto& q) { q.until = accepted(1); }, {"1/1", "1/2", "1/3", "4/1"}},
      {"a span", [this](auto& q) { q.since = accepted(1), q.until = accepted(2); }, {"2/1", "2/2"}},
      {"an empty span", [this](auto& q) { q.since = q.until = accepted(1); }, {}},
      {"a span of another company",
       [this](auto& q) { q.company_id = "zeta", q.since = accepted(0), q.until = accepted(1); },
       {"4/1"}},
      {"a span and a table",
       [this](auto& q) { q.company_id = "acme", q.table_name = "financials", q.since = accepted(2); },
       {"3/1", "3/2", "3/3"}},
      {"a key in a span",
       [this](auto& q) { q.key_value = "a", q.since = accepted(1), q.until = accepted(2); },
       {"2/2"}},
      {"a key of an upload",
       [this](auto& q) { q.key_value = "a", q.upload_id = all_[1][0].upload.upload_id; },
       {"2/2"}},
      {"a key of an upload of another company",
       [this](auto& q) {
         q.key_value = "a", q.upload_id = all_[1][0].upload.upload_id, q.company_id = "zeta";
       },
       {}},
      {"an upload in a span",
       [this](auto& q) { q.upload_id = all_[1][0].upload.upload_id, q.since = accepted(1); },
       {"2/1", "2/2"}},
      {"an upload outside a span",
       [this](auto& q) { q.upload_id = all_[1][0].upload.upload_id, q.until = accepted(1); },
       {}},
  };
  for (const auto& each : cases) {
    EventQuery query;
    each.set(query);
    EXPECT_EQ(ids(query), each.expected) << each.name;
  }
}

/// Checks that every query with a type returns the same events, page by page, as the query without it returns
/// of that type.
class TypeContract : public ReadContract {
 protected:
  /// Adds version 1 with 3,000 inserts, and version 2 with two deletes, then updates with occasional inserts.
  void add_large_uploads() {
    TableStory story("zeta", 2);
    const auto key = [](int i) { return fmt::format("k{:04}", i); };
    Rows rows;
    for (int i = 0; i < 3000; ++i) {
      if (i % 700 != 0) rows[key(i)] = {{"v", "1"}};
    }
    record_and_apply(story.next(rows));
    rows.erase(key(1));
    rows.erase(key(2000));
    for (int i = 0; i < 3000; ++i) {
      if (i % 700 == 0 || rows.contains(key(i))) rows[key(i)] = {{"v", "2"}};
    }
    large_ = story.next(rows);
    record_and_apply(large_);
  }

  std::vector<std::string> paged_ids(EventQuery query) {
    std::vector<std::string> paged;
    query.limit = 400;
    for (auto page = must(store_->events(query)); !page.empty(); page = must(store_->events(query))) {
      for (const auto& applied : page) {
        paged.push_back(fmt::format("{}/{}", applied.applied_no.value, applied.event.seq.value));
      }
      query.after = EventCursor{page.back().applied_no, page.back().event.seq};
    }
    return paged;
  }

  void compare() {
    const auto upload = large_.front().upload.upload_id;
    const std::vector<std::function<void(EventQuery&)>> filters = {
        [](auto&) {},
        [](auto& q) { q.company_id = "zeta"; },
        [](auto& q) { q.company_id = "acme"; },
        [](auto& q) { q.company_id = "zeta", q.table_name = "financials"; },
        [](auto& q) { q.table_name = "financials"; },
        [](auto& q) { q.table_name = "none"; },
        [&](auto& q) { q.upload_id = upload; },
        [&](auto& q) { q.upload_id = upload, q.company_id = "acme"; },
        [&](auto& q) { q.upload_id = upload, q.after = EventCursor{AppliedNo(2), Seq(2'000)}; },
        [this](auto& q) { q.since = accepted(1); },
        [this](auto& q) { q.company_id = "acme", q.since = accepted(1), q.until = accepted(2); },
        [](auto& q) { q.after = EventCursor{AppliedNo(5), Seq(1'500)}; },
    };
    for (std::size_t i = 0; i < filters.size(); ++i) {
      EventQuery all;
      filters[i](all);
      all.limit = 100'000;
      for (const auto type : {ChangeType::insert, ChangeType::update, ChangeType::remove}) {
        std::vector<std::string> expected;
        for (const auto& applied : must(store_->events(all))) {
          if (applied.event.type != type) continue;
          expected.push_back(fmt::format("{}/{}", applied.applied_no.value, applied.event.seq.value));
        }
        auto query = all;
        query.type = type;
        EXPECT_EQ(paged_ids(query), expected) << "filter " << i << ", type " << to_string(type);
      }
    }
  }

  std::vector<Event> large_;
};

TEST_P(TypeContract, FindsWhatAReadOfAllEventsFinds) {
  add_large_uploads();
  EventQuery inserts;
  inserts.upload_id = large_.front().upload.upload_id;
  inserts.type = ChangeType::insert;
  EXPECT_EQ(paged_ids(inserts).size(), 5U) << "they are in two spans or more";
  compare();
}

TEST_P(TypeContract, FindsWhatAnOlderSchemaRecorded) {
  add_large_uploads();
  store_.reset();
  const std::string undo = GetParam().name == "sqlite"
                               ? "DROP TABLE event_spans; PRAGMA user_version=4"
                               : "DROP TABLE event_spans; ALTER TABLE uploads DROP COLUMN spanned_no; DELETE "
                                 "FROM schema_migrations WHERE number = 4";
  ASSERT_EQ(GetParam().execute(folder_.path(), undo), "");
  reopen();
  compare();
}

TEST_P(TypeContract, AnOlderProgramAppliesNothingWithoutSpans) {
  if (GetParam().name == "sqlite") return;  // SQLite has only one process
  const auto said = GetParam().execute(
      folder_.path(), "UPDATE uploads SET applied_no = 99 WHERE version = 3 AND company_id = 'acme'");
  EXPECT_NE(said.find("uploads_spanned"), std::string::npos) << said;
}

TEST_P(ReadContract, KnowsTheLastAppliedUpload) {
  EXPECT_EQ(must(store_->last_applied()), AppliedNo(3));
  TableStory other("zeta", 2);
  const auto events = other.next({{"a", {{"v", "1"}}}});
  feed_.record_all(events);
  EXPECT_EQ(must(store_->last_applied()), AppliedNo(3)) << "it is recorded only";
  ASSERT_TRUE(applies(other.table()));
  EXPECT_EQ(must(store_->last_applied()), AppliedNo(4));
}

TEST_P(ReadContract, AnAnswerEndsAtItsBytesAndReadingOnGetsTheRest) {
  constexpr std::int64_t kValueBytes = 3000;
  constexpr int kRows = 40;
  TableStory other("zeta", 2);
  Rows rows;
  std::uint32_t random = 1;
  for (int i = 0; i < kRows; ++i) {
    // The letters do not compress well, because PostgreSQL counts the bytes as stored.
    std::string value;
    for (std::int64_t k = 0; k < kValueBytes; ++k) {
      random = random * 1664525U + 1013904223U;
      value += static_cast<char>('!' + (random >> 16U) % 90U);
    }
    rows["key" + std::to_string(100 + i)] = {{"v", value}};
  }
  const auto events = other.next(rows);
  record_and_apply(events);
  RecordQuery query{other.table(), TableStory::effective_at(Version(1)), std::nullopt, 1000, 4 * kValueBytes};
  std::vector<std::string> keys;
  for (auto page = must(store_->records(query)); !page.empty(); page = must(store_->records(query))) {
    EXPECT_LT(page.size(), 10U);
    for (const auto& record : page) keys.push_back(record.key);
    query.after_key = keys.back();
  }
  ASSERT_EQ(keys.size(), rows.size());
  EXPECT_TRUE(std::is_sorted(keys.begin(), keys.end()));

  EventQuery wanted;
  wanted.company_id = "zeta";
  wanted.limit = 1000;
  wanted.bytes_max = 4 * kValueBytes;
  std::size_t seen = 0;
  for (auto page = must(store_->events(wanted)); !page.empty(); page = must(store_->events(wanted))) {
    EXPECT_LT(page.size(), 10U);
    for (const auto& applied : page) EXPECT_EQ(applied.event, events[seen++]);
    wanted.after = EventCursor{page.back().applied_no, page.back().event.seq};
  }
  EXPECT_EQ(seen, events.size());
}

/// Returns a version with alternating inserts, updates and deletes of 5,000 bytes each, in key order, in
/// reverse key order or in no order.
std::vector<Event> mixed_events(const std::string& order, std::uint32_t table = 2) {
  TableStory story("zeta-" + order, table);
  const auto key = [](int i) {
    return fmt::format("{}{}", i % 10 == 0 ? "k\\\t\n\r\b\f\v\\N\"\\\\t" : "key", i);
  };
  const Values values = {{"v", std::string(5000, 'x')}, {"w\\t", "\\\t\"\n"}};
  Rows first;
  Rows second;
  for (int i = 0; i < 3000; ++i) {
    if (i % 3 != 0) first[key(i)] = values;
    if (i % 3 != 1) second[key(i)] = {{"v", std::string(5000, 'y')}};
  }
  story.next(first);
  auto events = story.next(second);
  std::sort(events.begin(), events.end(),
            [](const auto& a, const auto& b) { return a.key_value < b.key_value; });
  if (order == "reverse") std::reverse(events.begin(), events.end());
  if (order == "none") std::shuffle(events.begin(), events.end(), std::mt19937(7));
  for (std::size_t i = 0; i < events.size(); ++i) {
    events[i].seq = Seq(static_cast<std::int64_t>(i) + 1);
    events[i].event_id = EventId::of(events[i].upload.upload_id, events[i].seq);
  }
  return events;
}

std::string text_of(const Event& event) {
  std::string json;
  append_event_json(json, event);
  return json;
}

TEST_P(ReadContract, ScansAnUploadsEventsByKeyWhateverTheirOrderInTheFile) {
  std::uint32_t table = 1;
  for (const std::string order : {"keys", "reverse", "none"}) {
    SCOPED_TRACE(order);
    const auto events = mixed_events(order, ++table);
    feed_.record_all({events.rbegin(), events.rend()});
    for (const auto type : {ChangeType::insert, ChangeType::update, ChangeType::remove}) {
      std::vector<Event> expected;
      std::copy_if(events.begin(), events.end(), std::back_inserter(expected),
                   [&](const auto& event) { return event.type == type; });
      std::sort(expected.begin(), expected.end(),
                [](const auto& a, const auto& b) { return a.key_value < b.key_value; });
      std::size_t count = 0;
      must(store_->scan_events(events[0].upload.upload_id, type, [&](const Event& event) -> Result<void> {
        if (count == expected.size() || event != expected[count]) {
          return Error{ErrorCode::internal, "unexpected",
                       fmt::format("event {} is {} instead of {}", count, text_of(event),
                                   count < expected.size() ? text_of(expected[count]) : "none"),
                       ""};
        }
        ++count;
        return success();
      }));
      EXPECT_EQ(count, 1000U);
      EXPECT_EQ(count, expected.size());
    }
  }
}

TEST_P(ReadContract, AScanEndsWithItsUser) {
  const auto events = mixed_events("none");
  feed_.record_all(events);
  const Error stop{ErrorCode::internal, "enough", "", ""};
  std::size_t count = 0;
  const auto stopped = store_->scan_events(
      events[0].upload.upload_id, ChangeType::insert,
      [&](const Event&) -> Result<void> { return ++count == 2 ? Result<void>(stop) : success(); });
  EXPECT_EQ(error_of(stopped), "internal/enough");
  EXPECT_EQ(count, 2U);
  must(store_->scan_events(all_[0][0].upload.upload_id, ChangeType::remove, [](const Event&) -> Result<void> {
    ADD_FAILURE() << "there are no deletes";
    return success();
  }));
}

TEST_P(ReadContract, AScanMayCallTheHistory) {
  TableStory other("zeta", 2);
  std::vector<UploadStatus> seen;
  must(store_->scan_events(all_[0][0].upload.upload_id, ChangeType::insert,
                           [&](const Event& event) -> Result<void> {
                             DD_TRY(auto status, store_->upload(event.upload.upload_id));
                             seen.push_back(*status);
                             if (seen.size() == 1) feed_.record_all(other.next({{"a", {{"v", "1"}}}}));
                             return success();
                           }));
  EXPECT_EQ(seen.size(), 3U);
  EXPECT_TRUE(applies(other.table()));
}

TEST_P(ReadContract, AnswersThatItIsHealthy) {
  EXPECT_EQ(error_of(store_->health()), "");
  EXPECT_FALSE(must(store_->upload(testing::upload_id_of(9, 9))).has_value());
}

INSTANTIATE_TEST_SUITE_P(Adapters, ReadContract, ::testing::ValuesIn(adapters().begin(), adapters().end()),
                         [](const auto& adapter) { return adapter.param.name; });
INSTANTIATE_TEST_SUITE_P(Adapters, TypeContract, ::testing::ValuesIn(adapters().begin(), adapters().end()),
                         [](const auto& adapter) { return adapter.param.name; });

}  // namespace
}  // namespace deltadrop::history
