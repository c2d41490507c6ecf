#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "support/diffing.hpp"

namespace deltadrop::diff {
namespace {

using deltadrop::testing::described;
using deltadrop::testing::DiffOptions;
using deltadrop::testing::file_over;
using Lines = std::vector<std::string>;

DiffOptions numeric(std::string_view compare = "numeric", std::string_view types = "",
                    std::string_view tolerance = "0") {
  DiffOptions options;
  options.read.compare = csv::parse_compare(compare).value();
  options.read.types = parse_declared_types(types).value();
  options.read.compare->tolerance = csv::parse_tolerance(tolerance).value();
  return options;
}

DiffOptions keys(bool trim, bool ignore_case = false, bool nfc = false) {
  DiffOptions options;
  options.read.key_rules = {trim, ignore_case, nfc};
  return options;
}

struct Compared {
  Lines changes;  ///< `type key [columns]`
  EqualNumbers equal;
  Lines warnings;
};

Compared compared(std::string_view before, std::string_view after, const DiffOptions& old_options,
                  const DiffOptions& new_options) {
  const csv::File old_file = file_over(before, old_options);
  const csv::File new_file = file_over(after, new_options);
  const auto outcome = diff(&old_file, new_file);
  EXPECT_TRUE(outcome.has_value()) << outcome.error().text();
  Compared result;
  if (!outcome.has_value()) return result;
  for (const auto& finding : outcome.value().findings.first) result.changes.push_back(finding.message);
  if (!outcome.value().findings.empty()) return result;
  for (const auto& line : described(&old_file, new_file, outcome.value().changes)) {
    const auto values = line.find(" {");
    const auto columns = line.rfind(" [");
    const auto place = line.rfind(' ', values - 1);
    result.changes.push_back(line.substr(0, place) + (line.ends_with(']') ? line.substr(columns) : ""));
  }
  result.equal = outcome.value().equal_numbers;
  for (const auto& each : outcome.value().warnings.first) {
    result.warnings.push_back(fmt::format("{}: {}; {}", each.type, each.message, each.fix));
  }
  return result;
}

Compared compared(std::string_view before, std::string_view after, const DiffOptions& options) {
  return compared(before, after, options, options);
}

TEST(EqualNumbers, AreNoChange) {
  const auto result =
      compared("id,a,b\n1,1.10,x\n2,2,x\n3,1e2,\n", "id,a,b\n1,1.1,x\n2,2.5,x\n3,100.00,y\n", numeric());
  EXPECT_EQ(result.changes, (Lines{"update 2 [a]", "update 3 [b]"}));
  EXPECT_EQ(result.equal.written_differently, 2);
  EXPECT_EQ(result.equal.within_tolerance, 0);
}

TEST(EqualNumbers, AreOnlySoughtInTheNamedColumns) {
  const auto result = compared("id,a,b\n1,1.10,1.10\n", "id,a,b\n1,1.1,1.1\n", numeric("numeric:b"));
  EXPECT_EQ(result.changes, (Lines{"update 1 [a]"}));
  EXPECT_EQ(result.equal.written_differently, 1);
}

TEST(EqualNumbers, AreNumbersOnBothSides) {
  const auto before = "id,a\n1,007\n2,n/a\n3,\n4,1\n5,x\n";
  const auto after = "id,a\n1,7\n2,1\n3,0\n4,\n5,X\n";
  EXPECT_EQ(compared(before, after, numeric()).changes.size(), 5U) << "codes, texts and nulls are no numbers";
}

TEST(EqualNumbers, AreReadUnderTheDeclaredNotation) {
  const auto before = "id,a\n1,1000\n2,-7\n3,1.5\n";
  const auto after = "id,a\n1,\"1,000.00\"\n2,(7.00)\n3,\"1,5\"\n";
  const auto result = compared(before, after, numeric("numeric", "a:decimal(2, '.', thousands ',')"));
  EXPECT_EQ(result.changes, (Lines{"update 3 [a]"}));
  EXPECT_EQ(result.equal.written_differently, 2);
  EXPECT_EQ(compared(before, after, numeric()).changes.size(), 3U);
}

TEST(EqualNumbers, OfTheOlderVersionAreReadUnderItsOwnNotation) {
  const auto before = numeric("numeric", "a:decimal(2, ',')");
  const auto after = numeric("numeric", "a:decimal(2, '.')");
  EXPECT_EQ(compared("id,a\n1,\"1.000,50\"\n", "id,a\n1,1000.5\n", before, after).changes, Lines{});
  // An older version without a declared type uses the newer version's.
  EXPECT_EQ(compared("id,a\n1,\"1,000.50\"\n", "id,a\n1,1000.5\n", {}, after).changes, Lines{});
  // Equal texts are equal regardless of the declared types.
  EXPECT_EQ(compared("id,a\n1,1.000\n", "id,a\n1,1.000\n", before, after).changes, Lines{});
}

TEST(EqualNumbers, MayDifferByTheTolerance) {
  const auto result =
      compared("id,a\n1,1.000\n2,1.000\n3,1\n4,-1\n", "id,a\n1,1.005\n2,1.0051\n3,1.00\n4,-1.005\n",
               numeric("numeric", "", "0.005"));
  EXPECT_EQ(result.changes, (Lines{"update 2 [a]"}));
  EXPECT_EQ(result.equal.written_differently, 1);
  EXPECT_EQ(result.equal.within_tolerance, 2);
}

TEST(EqualNumbers, AreNotSoughtUnlessAsked) {
  const auto result = compared("id,a\n1,1.10\n", "id,a\n1,1.1\n", {});
  EXPECT_EQ(result.changes, (Lines{"update 1 [a]"}));
  EXPECT_EQ(result.equal, EqualNumbers());
}

/// Compares the counts for rows in step, shuffled rows and both parts of the join with a count of all pairs.
TEST(EqualNumbers, AreCountedOnceWhereverTheirRowsAre) {
  const std::uint32_t seed = std::random_device{}();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 60; ++round) {
    std::vector<std::string> old_rows;
    std::vector<std::string> new_rows;
    std::int64_t equal = 0;
    std::int64_t updates = 0;
    for (int key = 0; key < 200; ++key) {
      const auto tens = random() % 10;
      const auto was = fmt::format("{}.{}", random() % 3, tens);
      const auto kind = random() % 4;
      const auto is = kind == 0 ? was + "0" : kind == 1 ? was + "5" : was;
      equal += kind == 0 ? 1 : 0;
      const bool other_changed = random() % 5 == 0;
      updates += kind == 1 || other_changed ? 1 : 0;
      old_rows.push_back(fmt::format("{},{},x\n", key, was));
      new_rows.push_back(fmt::format("{},{},{}\n", key, is, other_changed ? "y" : "x"));
    }
    if (round % 3 == 1) std::shuffle(new_rows.begin(), new_rows.end(), random);
    if (round % 3 == 2) std::rotate(new_rows.begin(), new_rows.begin() + 50, new_rows.end());
    std::string before = "id,a,b\n";
    std::string after = before;
    for (const auto& row : old_rows) before += row;
    for (const auto& row : new_rows) after += row;
    const auto result = compared(before, after, numeric());
    ASSERT_EQ(result.equal.written_differently, equal);
    ASSERT_EQ(static_cast<std::int64_t>(result.changes.size()), updates);
  }
}

TEST(KeyRules, MakeOneRowOfTwo) {
  const auto before = "isin,px\nDE01,1\nFR02,2\n";
  const auto after = "isin,px\nDE01 ,1\nfr02,3\n";
  EXPECT_EQ(compared(before, after, keys(true, true)).changes,
            (Lines{"update DE01 [isin]", "update FR02 [isin px]"}));
  EXPECT_EQ(compared(before, after, keys(true)).changes,
            (Lines{"delete FR02", "update DE01 [isin]", "insert fr02"}));
  EXPECT_EQ(compared("k,a\ne\xCC\x81,1\n", "k,a\n\xC3\xA9,1\n", keys(false, false, true)).changes,
            (Lines{"update \xC3\xA9 [k]"}));
}

TEST(KeyRules, MakeKeysRepeat) {
  const auto result = compared("k,a\nx,1\n", "k,a\nx,1\nX,2\n", keys(false, true));
  EXPECT_EQ(result.changes, (Lines{"repeated key \"X\" in lines 2 and 3"}));
  // The older version has both keys under other rules, and nothing else changes.
  const auto both = "k,a\nx,1\nX,2\n";
  EXPECT_EQ(compared(both, both, {}, keys(false, true)).changes,
            (Lines{"repeated key \"X\" in lines 2 and 3"}));
}

TEST(KeyRules, ThatAreNewMoveTheKeysTheyChange) {
  EXPECT_EQ(compared("k,a\nx ,1\ny,2\n", "k,a\nx ,1\ny,2\n", {}, keys(true)).changes,
            (Lines{"delete x ", "insert x"}));
}

TEST(SimilarKeys, AreWarnedOf) {
  const auto result = compared("isin,px\nDE0001102341,1\nFR0000120271,2\nUS1,3\nA B,4\n",
                               "isin,px\nDE0001102341 ,1\nfr0000120271,2\nUS2,3\nAB,4\n", {});
  EXPECT_EQ(
      result.warnings,
      (Lines{
          "similar-keys: the deleted key \"DE0001102341\" (line 2 of the older version) and the inserted key "
          "\"DE0001102341 \" (line 2) differ only in blanks; give key_trim=true if they are one key",
          "similar-keys: the deleted key \"FR0000120271\" (line 3 of the older version) and the inserted key "
          "\"fr0000120271\" (line 3) differ only in case; give key_case=ignore if they are one key",
          "similar-keys: the deleted key \"A B\" (line 5 of the older version) and the inserted key "
          "\"AB\" (line 5) differ only in blanks, case or Unicode normal form; correct one of them if they "
          "are meant to be one key"}));
}

TEST(SimilarKeys, AreKeysOfADeleteAndAnInsert) {
  EXPECT_EQ(compared("k,a\nx,1\n", "k,a\nx,1\nX,2\n", {}).warnings, Lines{})
      << "both are in the newer version";
  EXPECT_EQ(compared("k,a\nx,1\nX,2\n", "k,a\nx,1\n", {}).warnings, Lines{});
  EXPECT_EQ(compared("k,a\nx,1\n", "k,a\nX,2\n", keys(false, true)).warnings, Lines{});
  EXPECT_EQ(compared("k,l,a\nx,y,1\n", "k,l,a\nX,\" y\",2\n",
                     [] {
                       DiffOptions options;
                       options.read.key = {"k", "l"};
                       return options;
                     }())
                .warnings.size(),
            1U);
}

TEST(SimilarKeys, AreShownInPartAndCounted) {
  std::string before = "k\n";
  std::string after = "k\n";
  for (int i = 0; i < 30; ++i) {
    before += fmt::format("a{:02}\n", i);
    after += fmt::format("A{:02}\n", i);
  }
  const auto result = compared(before, after, {});
  ASSERT_EQ(result.warnings.size(), 20U);
  EXPECT_NE(result.warnings.back().find("(and 10 more such pairs)"), std::string::npos)
      << result.warnings.back();
}

TEST(DeclaredTypes, ThatAreBrokenAreWarnedOf) {
  const auto options = [](std::string_view types) {
    DiffOptions read;
    read.read.types = parse_declared_types(types).value();
    return read;
  };
  const auto file = "id,px,d\n1,2.50,31.01.2025\n2,n/a,\n3,0.125,2025-01-31\n";
  const csv::File first = file_over(file, options("px:decimal(2),d:date(DD.MM.YYYY),id:string,gone:date"));
  const auto outcome = diff(nullptr, first);
  ASSERT_TRUE(outcome.has_value());
  const auto& warnings = outcome.value().warnings;
  ASSERT_EQ(warnings.total, 3);
  EXPECT_EQ(warnings.first[0].type, "declared-type-broken");
  EXPECT_EQ(warnings.first[0].line, Line(3));
  EXPECT_EQ(warnings.first[0].column, "px");
  EXPECT_EQ(warnings.first[0].value, "n/a");
  EXPECT_EQ(warnings.first[0].message, "line 3, column \"px\": \"n/a\" is not a value of decimal(2)");
  EXPECT_EQ(warnings.first[0].fix,
            "correct the value, or declare another type; the column has type string in the lake until then");
  EXPECT_EQ(warnings.first[1].message,
            "line 4, column \"px\": \"0.125\" needs decimal(4), which is wider than decimal(2)");
  EXPECT_EQ(warnings.first[2].message,
            "line 4, column \"d\": \"2025-01-31\" is not a value of date(DD.MM.YYYY)");
  // Rows that both versions share are checked too.
  EXPECT_EQ(compared(file, file, options("px:decimal(2)")).warnings.size(), 2U);
  EXPECT_EQ(compared(file, file, {}).warnings, Lines{});
}

TEST(DeclaredTypes, ThatAreBrokenOftenAreCounted) {
  std::string file = "id,px\n";
  for (int i = 0; i < 50; ++i) file += fmt::format("{},x\n", i);
  DiffOptions options;
  options.read.types = parse_declared_types("px:decimal(2)").value();
  const auto result = compared("id,px\n", file, options);
  ASSERT_EQ(result.warnings.size(), 20U);
  EXPECT_NE(result.warnings.back().find("(and 30 more such values)"), std::string::npos)
      << result.warnings.back();
}

}  // namespace
}  // namespace deltadrop::diff
