#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "history/sqlite_history.hpp"
#include "support/history_feed.hpp"
#include "support/table_story.hpp"
#include "support/temporary_folder.hpp"

/// Records random versions of a few tables. Their events arrive shuffled over partitions, in batches of any
/// size, some of them several times. Uploads are applied as soon as possible. At the end, every version in
/// the history must equal the naive model. Every failure prints the seed.
namespace deltadrop::history {
namespace {

using testing::must;
using testing::Rows;
using testing::TableStory;
using testing::Values;

constexpr int kVersions = 6;
constexpr std::uint32_t kSeeds = 10;

class Story {
 public:
  Story(std::mt19937& random, std::uint32_t number)
      : random_(random), story_("company" + std::to_string(number), number) {
    for (int version = 0; version < kVersions; ++version) {
      const bool rekey = version > 0 && chance(10);
      const auto events = story_.next(next_rows(), rekey);
      versions_.push_back(story_.rows());
      if (!events.empty()) ++uploads_;
      events_.insert(events_.end(), events.begin(), events.end());
    }
  }

  [[nodiscard]] const TableRef& table() const { return story_.table(); }
  [[nodiscard]] const std::vector<Rows>& versions() const { return versions_; }
  [[nodiscard]] const std::vector<Event>& events() const { return events_; }
  [[nodiscard]] int uploads() const { return uploads_; }

 private:
  bool chance(int percent) { return std::uniform_int_distribution(1, 100)(random_) <= percent; }
  int below(int bound) { return std::uniform_int_distribution(0, bound - 1)(random_); }

  Rows next_rows() {
    static const std::vector<std::string> kKeys = {"a", "A",  "a ",  "\xC3\xA9", "\"q\"",
                                                   "0", "00", "z\n", "k,1",      "~"};
    static const std::vector<std::string> kColumns = {"v", "w", "x\"y"};
    Rows rows = story_.rows();
    if (chance(10)) return rows;
    for (const auto& key : kKeys) {
      if (chance(20)) rows.erase(key);
      if (chance(40)) {
        Values& values = rows[key];
        const auto& column = kColumns[static_cast<std::size_t>(below(3))];
        if (chance(20)) {
          values.erase(column);
        } else if (chance(20)) {
          values[column] = std::nullopt;
        } else {
          values[column] = std::to_string(below(4));
        }
      }
    }
    return rows;
  }

  std::mt19937& random_;
  TableStory story_;
  std::vector<Rows> versions_;
  std::vector<Event> events_;
  int uploads_ = 0;
};

class HistoryProperty : public ::testing::TestWithParam<std::uint32_t> {
 protected:
  /// Each event once or more, in random order and on a random partition.
  std::vector<std::pair<std::int32_t, Event>> arrivals(const std::vector<Story>& stories) {
    std::vector<std::pair<std::int32_t, Event>> all;
    std::uniform_int_distribution copies(1, 4);
    std::uniform_int_distribution partition(0, 2);
    for (const auto& story : stories) {
      for (const auto& event : story.events()) {
        for (int copy = std::max(1, copies(random_) - 2); copy > 0; --copy)
          all.emplace_back(partition(random_), event);
      }
    }
    std::shuffle(all.begin(), all.end(), random_);
    return all;
  }

  int apply_all(const std::vector<Story>& stories) {
    int applied = 0;
    for (const auto& story : stories) {
      while (true) {
        const auto outcome = must(store_->apply_next(story.table(), Timestamp{1'900'000'000'000}));
        EXPECT_FALSE(std::holds_alternative<Conflicted>(outcome))
            << std::get<Conflicted>(outcome).upload.error << seed();
        if (!std::holds_alternative<Applied>(outcome)) break;
        ++applied;
      }
    }
    return applied;
  }

  void check_every_version(const Story& story) {
    for (std::size_t i = 0; i < story.versions().size(); ++i) {
      const Timestamp from = TableStory::effective_at(Version(static_cast<std::int64_t>(i) + 1));
      for (const Timestamp as_of : {from, from.plus_ms(59'999)}) {
        std::map<std::string, std::string> expected;
        for (const auto& [key, values] : story.versions()[i]) {
          expected[key] = testing::json_of(testing::without_nulls(values));
        }
        std::map<std::string, std::string> found;
        for (const auto& record : must(store_->records({story.table(), as_of, std::nullopt, 1000}))) {
          found[record.key] = without_nulls(record.data_json);
        }
        EXPECT_EQ(found, expected) << story.table().to_string() << " version " << i + 1 << seed();
      }
    }
  }

  /// Removes `"name":null` members from the flat objects that json_of writes.
  static std::string without_nulls(std::string json) {
    static const std::vector<std::string> kNames = {R"("v")", R"("w")", R"("x\"y")"};
    for (const auto& name : kNames) {
      for (const auto& member : {"," + name + ":null", name + ":null,", name + ":null"}) {
        if (const auto at = json.find(member); at != std::string::npos) json.erase(at, member.size());
      }
    }
    return json;
  }

  std::string seed() const { return " (seed " + std::to_string(GetParam()) + ")"; }

  std::mt19937 random_{GetParam()};
  testing::TemporaryFolder folder_;
  std::unique_ptr<HistoryStore> store_ = must(sqlite::open({folder_.path() / "history.db"}));
  testing::HistoryFeed feed_{*store_};
};

TEST_P(HistoryProperty, AnyOrderOfArrivalGivesEveryVersion) {
  std::vector<Story> stories;
  int uploads = 0;
  for (std::uint32_t number = 1; number <= 3; ++number)
    uploads += stories.emplace_back(random_, number).uploads();
  const auto all = arrivals(stories);
  int applied = 0;
  std::uniform_int_distribution<std::size_t> batch_size(1, 40);
  for (std::size_t at = 0; at < all.size();) {
    const std::size_t end = std::min(all.size(), at + batch_size(random_));
    must(feed_.record(feed_.batch(
        {all.begin() + static_cast<std::ptrdiff_t>(at), all.begin() + static_cast<std::ptrdiff_t>(end)})));
    at = end;
    applied += apply_all(stories);
  }
  EXPECT_EQ(applied, uploads) << seed();
  for (const auto& story : stories) check_every_version(story);

  EventQuery query;
  query.limit = 100'000;
  std::map<TableRef, std::vector<Event>> told;
  for (const auto& each : must(store_->events(query))) told[each.event.upload.table].push_back(each.event);
  for (const auto& story : stories) EXPECT_EQ(told[story.table()], story.events()) << seed();
}

INSTANTIATE_TEST_SUITE_P(Seeds, HistoryProperty, ::testing::Range(std::uint32_t{1}, kSeeds + 1));

}  // namespace
}  // namespace deltadrop::history
