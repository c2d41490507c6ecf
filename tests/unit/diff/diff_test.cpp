#include "diff/diff.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "support/diffing.hpp"

namespace deltadrop::diff {
namespace {

using deltadrop::testing::described;
using deltadrop::testing::DiffOptions;
using deltadrop::testing::file_over;
using deltadrop::testing::outcome_of;
using Lines = std::vector<std::string>;

Lines changes_between(std::string_view before, std::string_view after, const DiffOptions& old_options = {},
                      const DiffOptions& new_options = {}) {
  const csv::File old_file = file_over(before, old_options);
  const csv::File new_file = file_over(after, new_options);
  const auto outcome = diff(&old_file, new_file, {new_options.rekey});
  EXPECT_TRUE(outcome.has_value()) << outcome.error().text();
  if (!outcome.has_value()) return {"error"};
  if (!outcome.value().findings.empty()) return {outcome.value().findings.first.front().message};
  return described(&old_file, new_file, outcome.value().changes);
}

struct Case {
  std::string name;
  std::string before;
  std::string after;
  Lines changes;
};

class Diff : public ::testing::TestWithParam<Case> {};

TEST_P(Diff, FindsChanges) {
  EXPECT_EQ(changes_between(GetParam().before, GetParam().after), GetParam().changes);
}

INSTANTIATE_TEST_SUITE_P(
    NoChange, Diff,
    ::testing::Values(Case{"same", "id,a\n1,x\n", "id,a\n1,x\n", {}}, Case{"no_rows", "id,a\n", "id,a\n", {}},
                      Case{"row_order", "id,a\n1,x\n2,y\n3,z\n", "id,a\n3,z\n1,x\n2,y\n", {}},
                      Case{"line_ends", "id,a\n1,x\n2,y\n", "id,a\r\n1,x\r2,y", {}},
                      Case{"quoting", "id,a\n1,x\n2,\n", "\"id\",a\n\"1\",\"x\"\n2,\"\"\n", {}},
                      Case{"delimiter", "id,a\n1,\"x;y\"\n", "id;a\n1;\"x;y\"\n", {}},
                      Case{"column_order", "id,a,b\n1,x,y\n", "id,b,a\n1,y,x\n", {}},
                      Case{"empty_lines", "id,a\n1,x\n2,y\n", "\nid,a\n\n1,x\n\n\n2,y\n\n", {}},
                      Case{"mark", "id,a\n1,x\n", "\xEF\xBB\xBFid,a\n1,x\n", {}}),
    [](const auto& each) { return each.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Change, Diff,
    ::testing::Values(
        Case{"insert",
             "id,a\n1,x\n",
             "id,a\n0,w\n1,x\n2,\n",
             {"insert 0 2 {\"id\":\"0\",\"a\":\"w\"}", "insert 2 4 {\"id\":\"2\",\"a\":null}"}},
        Case{"remove", "id,a\n1,x\n2,y\n", "id,a\n2,y\n", {"delete 1 2 {\"id\":\"1\",\"a\":\"x\"}"}},
        Case{"update",
             "id,a,b\n1,x,p\n2,y,q\n",
             "id,a,b\n1,x,p\n2,z,\n",
             {"update 2 3 {\"id\":\"2\",\"a\":\"y\",\"b\":\"q\"} {\"id\":\"2\",\"a\":\"z\",\"b\":null} [a "
              "b]"}},
        Case{"text_is_the_truth",
             "id,a\n1,1.10\n2,007\n",
             "id,a\n1,1.1\n2,7\n",
             {"update 1 2 {\"id\":\"1\",\"a\":\"1.10\"} {\"id\":\"1\",\"a\":\"1.1\"} [a]",
              "update 2 3 {\"id\":\"2\",\"a\":\"007\"} {\"id\":\"2\",\"a\":\"7\"} [a]"}},
        Case{"spaces_count",
             "id,a\n1,x\n",
             "id,a\n1,x \n",
             {"update 1 2 {\"id\":\"1\",\"a\":\"x\"} {\"id\":\"1\",\"a\":\"x \"} [a]"}},
        Case{"order_is_deletes_then_file_order",
             "id,a\n3,x\n1,x\n2,x\n",
             "id,a\n9,n\n2,y\n8,n\n",
             {"delete 3 2 {\"id\":\"3\",\"a\":\"x\"}", "delete 1 3 {\"id\":\"1\",\"a\":\"x\"}",
              "insert 9 2 {\"id\":\"9\",\"a\":\"n\"}",
              "update 2 3 {\"id\":\"2\",\"a\":\"x\"} {\"id\":\"2\",\"a\":\"y\"} [a]",
              "insert 8 4 {\"id\":\"8\",\"a\":\"n\"}"}},
        Case{"line_is_where_the_record_starts",
             "id,a\n",
             "id,a\n1,\"x\ny\"\r\n\r\n2,z\n",
             {"insert 1 2 {\"id\":\"1\",\"a\":\"x\\ny\"}", "insert 2 5 {\"id\":\"2\",\"a\":\"z\"}"}},
        Case{"all_gone", "id,a\n1,x\n", "id,a\n", {"delete 1 2 {\"id\":\"1\",\"a\":\"x\"}"}},
        Case{"quoted_key",
             "id,a\n\"k\"\"1\",x\n",
             "id,a\n\"k\"\"1\",y\n",
             {"update k\"1 2 {\"id\":\"k\\\"1\",\"a\":\"x\"} {\"id\":\"k\\\"1\",\"a\":\"y\"} [a]"}}),
    [](const auto& each) { return each.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Columns, Diff,
    ::testing::Values(
        Case{"added",
             "id,a\n1,x\n2,y\n",
             "id,b,a\n1,,x\n2,q,y\n",
             {"update 2 3 {\"id\":\"2\",\"a\":\"y\"} {\"id\":\"2\",\"b\":\"q\",\"a\":\"y\"} [b]"}},
        Case{"removed",
             "id,a,b\n1,x,\n2,y,q\n",
             "id,a\n1,x\n2,y\n",
             {"update 2 3 {\"id\":\"2\",\"a\":\"y\",\"b\":\"q\"} {\"id\":\"2\",\"a\":\"y\"} [b]"}},
        Case{"renamed",
             "id,a\n1,x\n",
             "id,A\n1,x\n",
             {"update 1 2 {\"id\":\"1\",\"a\":\"x\"} {\"id\":\"1\",\"A\":\"x\"} [A a]"}},
        Case{"added_without_values", "id,a\n1,x\n", "id,a,b\n1,x,\n", {}}),
    [](const auto& each) { return each.param.name; });

TEST(DiffFirstVersion, InsertsEveryRow) {
  const csv::File file = file_over("id,a\n2,x\n1,y\n", {});
  const auto outcome = diff(nullptr, file);
  ASSERT_TRUE(outcome.has_value());
  EXPECT_EQ(outcome.value().changes.counts, (Counts{0, 2, 2, 0, 0}));
  EXPECT_TRUE(outcome.value().changes.schema_changes.empty());
  EXPECT_EQ(described(nullptr, file, outcome.value().changes),
            (Lines{"insert 2 2 {\"id\":\"2\",\"a\":\"x\"}", "insert 1 3 {\"id\":\"1\",\"a\":\"y\"}"}));
}

TEST(DiffFirstVersion, MayHaveNoRows) {
  const auto outcome = diff(nullptr, file_over("id,a\n", {}));
  ASSERT_TRUE(outcome.has_value());
  EXPECT_TRUE(outcome.value().findings.empty());
  EXPECT_EQ(outcome.value().changes.counts, Counts{});
}

TEST(DiffSchema, CountsValuesLost) {
  const auto outcome = outcome_of("id,a,b,c\n1,x,,r\n2,y,q,s\n3,z,p,t\n", "d,id,a,e\n,1,x,\n,2,y,\n", [] {
    DiffOptions options;
    options.read.key = {"id"};
    return options;
  }());
  ASSERT_TRUE(outcome.has_value()) << outcome.error().text();
  EXPECT_EQ(outcome.value().changes.schema_changes,
            (std::vector<SchemaChange>{{"d", true, 0}, {"e", true, 0}, {"b", false, 2}, {"c", false, 3}}));
  EXPECT_EQ(outcome.value().changes.counts, (Counts{3, 2, 0, 2, 1}));
}

TEST(DiffIgnore, LeavesColumnsOut) {
  DiffOptions options;
  options.read.ignore = {"seen", "unknown"};
  EXPECT_EQ(changes_between("id,a,seen\n1,x,9\n2,y,9\n", "id,a,seen\n1,x,10\n2,z,10\n", options, options),
            (Lines{"update 2 3 {\"id\":\"2\",\"a\":\"y\"} {\"id\":\"2\",\"a\":\"z\"} [a]"}));
}

TEST(DiffIgnore, ChangingTheListIsAColumnThatComesOrGoes) {
  DiffOptions ignoring;
  ignoring.read.ignore = {"b"};
  const std::string text = "id,a,b\n1,x,p\n2,y,\n";
  EXPECT_EQ(changes_between(text, text, {}, ignoring),
            (Lines{"update 1 2 {\"id\":\"1\",\"a\":\"x\",\"b\":\"p\"} {\"id\":\"1\",\"a\":\"x\"} [b]"}));
  EXPECT_EQ(changes_between(text, text, ignoring, {}),
            (Lines{"update 1 2 {\"id\":\"1\",\"a\":\"x\"} {\"id\":\"1\",\"a\":\"x\",\"b\":\"p\"} [b]"}));
}

TEST(DiffEmpty, TextTellsEmptyFromAbsent) {
  DiffOptions text;
  text.read.empty = csv::EmptyPolicy::text;
  EXPECT_EQ(changes_between("id,a\n1,\n", "id,a\n1,\"\"\n", text, text), Lines{});
  EXPECT_EQ(changes_between("id\n1\n", "id,a\n1,\n", text, text),
            (Lines{"update 1 2 {\"id\":\"1\"} {\"id\":\"1\",\"a\":\"\"} [a]"}));
  EXPECT_EQ(changes_between("id,a\n1,\n", "id,a\n1,\n", {}, text),
            (Lines{"update 1 2 {\"id\":\"1\",\"a\":null} {\"id\":\"1\",\"a\":\"\"} [a]"}));
}

DiffOptions keyed(std::vector<std::string> key) {
  DiffOptions options;
  options.read.key = std::move(key);
  return options;
}

TEST(DiffKey, MayBeComposite) {
  const auto key = keyed({"co", "period"});
  EXPECT_EQ(changes_between("co,period,v\n\"a,b\",1,x\na,\"b,1\",y\nc,,z\n",
                            "v,period,co\ny,\"b,1\",a\nw,1,\"a,b\"\nz,,c\n", key, key),
            (Lines{"update \"a,b\",1 3 {\"co\":\"a,b\",\"period\":\"1\",\"v\":\"x\"} "
                   "{\"v\":\"w\",\"period\":\"1\",\"co\":\"a,b\"} [v]"}));
}

TEST(DiffKey, IsFoundWhereverItStands) {
  EXPECT_EQ(changes_between("id,a,b\n1,x,y\n", "b,id,a\ny,1,x\n", keyed({"id"}), keyed({"id"})), Lines{});
}

TEST(DiffKey, ChangedNeedsRekey) {
  const csv::File before = file_over("a,b\n1,x\n2,y\n", keyed({"a"}));
  const csv::File after = file_over("a,b\n1,x\n2,z\n", keyed({"b"}));
  const auto refused = diff(&before, after);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::conflict);
  EXPECT_EQ(refused.error().type, "key-changed");
  const auto rekeyed = diff(&before, after, {true});
  ASSERT_TRUE(rekeyed.has_value()) << rekeyed.error().text();
  EXPECT_EQ(rekeyed.value().changes.counts, (Counts{2, 2, 2, 0, 2}));
  EXPECT_EQ(described(&before, after, rekeyed.value().changes),
            (Lines{"delete 1 2 {\"a\":\"1\",\"b\":\"x\"}", "delete 2 3 {\"a\":\"2\",\"b\":\"y\"}",
                   "insert x 2 {\"a\":\"1\",\"b\":\"x\"}", "insert z 3 {\"a\":\"2\",\"b\":\"z\"}"}));
}

TEST(DiffKey, RekeyWithTheSameKeyIsAnOrdinaryDiff) {
  const csv::File file = file_over("a,b\n1,x\n", {});
  EXPECT_EQ(diff(&file, file, {true}).value().changes.counts, (Counts{1, 1, 0, 0, 0}));
}

TEST(DiffBefore, ThatCannotBeReadIsCorrupt) {
  for (const std::string before :
       {"", "id,a\n1\n", "id,a\n1,x\n1,y\n", "id,a\n,x\n", "id,a\n1,\"x\n", "id,a\n1,\xE9\n"}) {
    const auto outcome = outcome_of(before, "id,a\n1,x\n");
    ASSERT_FALSE(outcome.has_value()) << before;
    EXPECT_EQ(outcome.error().code, ErrorCode::corrupt) << before;
  }
}

TEST(DiffBefore, IsNotHeldToTodaysLimits) {
  const std::string old_text = "id,a\n" + std::string(40, 'k') + ",x\n2,y\n";
  DiffOptions narrow;
  narrow.limits.key_bytes_max = 10;
  narrow.limits.rows_max = 1;
  const csv::File before = file_over(old_text, narrow);
  const csv::File after = file_over("id,a\n2,y\n", narrow);
  const auto outcome = diff(&before, after);
  ASSERT_TRUE(outcome.has_value()) << outcome.error().text();
  EXPECT_EQ(outcome.value().changes.counts, (Counts{2, 1, 0, 0, 1}));
}

/// Returns "lines x values" of the warning, or "" without a warning.
std::string warned(const std::string& before, const std::string& after, const Options& options = {}) {
  const csv::File old_file = file_over(before, {});
  const csv::File new_file = file_over(after, {});
  const auto outcome = diff(before.empty() ? nullptr : &old_file, new_file, options);
  EXPECT_TRUE(outcome.has_value()) << outcome.error().text();
  if (!outcome.has_value()) return "failed";
  const auto& warnings = outcome.value().warnings;
  if (warnings.empty()) return "";
  EXPECT_EQ(warnings.first.size(), 1U);
  const auto& first = warnings.first.front();
  return first.type + " " + std::to_string(first.line.value) + " " + first.column.value_or("?") + " " +
         first.value.value_or("?") + " " + std::to_string(warnings.total);
}

TEST(BareQuotes, AreWarnedOfHoweverTheRowsAreRead) {
  const std::string before = "id,a,b\n1,x,y\n2,5\",z\n3,w,6\"\n4,u,v\n";
  EXPECT_EQ(warned("", before), "bare-quote 3 a 5\" 2") << "a first version";
  EXPECT_EQ(warned(before, before), "bare-quote 3 a 5\" 2") << "equal rows";
  EXPECT_EQ(warned(before, "id,a,b\n1,x,y\n2,5,z\n3,w,6\"\n4,u,v\n"), "bare-quote 4 b 6\" 1");
  EXPECT_EQ(warned(before, "id,a,b\n0,\"7\",8\"\n1,x,y\n2,5\",z\n3,w,6\"\n4,u,v\n"), "bare-quote 2 b 8\" 3")
      << "a row is inserted: what follows is read twice";
  EXPECT_EQ(warned(before, "id,a,b\n4,u,v\n3,w,6\"\n2,5\",z\n1,x,y\n"), "bare-quote 3 b 6\" 2")
      << "moved rows";
  EXPECT_EQ(warned(before, "id,b,a\n1,y,x\n2,z,5\"\n", {}), "bare-quote 3 a 5\" 1") << "another layout";
  EXPECT_EQ(warned(before, "a,id\"\n5\",1\n", {true}), "bare-quote 1 id\" id\" 2")
      << "another key; the header";
  EXPECT_EQ(warned(before, "id,a,b\n1,x,\"5\"\"\"\n"), "") << "only the newer version counts";
}

TEST(BareQuotes, AreCountedOnceInShuffledVersions) {
  std::mt19937 random(20'250'608);
  for (int round = 0; round < 200; ++round) {
    std::vector<std::string> rows;
    std::int64_t bare = 0;
    for (int i = 0; i < 60; ++i) {
      std::string row = std::to_string(i) + ",";
      const bool is_bare = random() % 4 == 0;
      if (is_bare) ++bare;
      row += is_bare ? "5\"\n" : random() % 2 == 0 ? "\"q\"\n" : "plain\n";
      rows.push_back(row);
    }
    std::string before = "id,a\n";
    for (const auto& row : rows) {
      if (random() % 8 != 0) before += row;
    }
    for (std::size_t swaps = random() % 6; swaps > 0; --swaps) {
      std::swap(rows[random() % rows.size()], rows[random() % rows.size()]);
    }
    std::string after = "id,a\n";
    for (const auto& row : rows) after += row;
    Options options;
    options.look_ahead_rows = static_cast<std::int64_t>(random() % 20);
    const auto text = warned(before, after, options);
    EXPECT_EQ(text.substr(text.rfind(' ') + 1), bare == 0 ? "" : std::to_string(bare)) << before << "\n"
                                                                                       << after;
  }
}

TEST(Events, StartAnywhereAndStopWhenTold) {
  const csv::File file = file_over("id\n1\n2\n3\n4\n", {});
  const ChangeSet changes = diff(nullptr, file).value().changes;
  EXPECT_EQ(described(nullptr, file, changes, Seq(3)),
            (Lines{"insert 3 4 {\"id\":\"3\"}", "insert 4 5 {\"id\":\"4\"}"}));
  EXPECT_EQ(described(nullptr, file, changes, Seq(5)), Lines{});
  std::int64_t seen = 0;
  ASSERT_TRUE(for_each_event(nullptr, file, changes, Seq(1), [&](const EventView& event) -> Result<bool> {
                seen = event.seq.value;
                return event.seq < Seq(2);
              }).has_value());
  EXPECT_EQ(seen, 2);
  const auto failed = for_each_event(nullptr, file, changes, Seq(1), [&](const EventView&) -> Result<bool> {
    return Error{ErrorCode::unavailable, "log-down", "the log is down", "wait"};
  });
  ASSERT_FALSE(failed.has_value());
  EXPECT_EQ(failed.error().type, "log-down");
}

}  // namespace
}  // namespace deltadrop::diff
