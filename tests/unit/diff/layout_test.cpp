#include <gtest/gtest.h>

#include <random>

#include "support/diffing.hpp"

// Tests the diff with lines that are not rows and with rows of other field counts.
namespace deltadrop::diff {
namespace {

using deltadrop::testing::described;
using deltadrop::testing::DiffOptions;
using deltadrop::testing::file_over;
using Lines = std::vector<std::string>;

Outcome read_alone(std::string_view text, const DiffOptions& options = {}) {
  const csv::File file = file_over(text, options);
  return diff(nullptr, file).value();
}

csv::Finding only_finding(std::string_view text, const DiffOptions& options = {}) {
  const auto found = read_alone(text, options).findings;
  EXPECT_EQ(found.total, 1);
  return found.empty() ? csv::Finding{} : found.first.front();
}

bool says(const csv::Finding& finding, std::string_view text) {
  return (finding.message + "; " + finding.fix).find(text) != std::string::npos;
}

TEST(NotRows, AreNeitherRowsNorChanges) {
  const std::string clean = "id,name,px\n1,a,2\n2,b,3\n";
  const std::string with_others = "id,name,px\n\n1,a,2\n,,\nid,name,px\n2,b,3\n,,\n \n";
  const auto alone = read_alone(with_others);
  EXPECT_TRUE(alone.findings.empty());
  EXPECT_EQ(alone.changes.counts.rows, 2);
  EXPECT_EQ(alone.skipped, (csv::Skipped{4, 1, 0, 0}));
  for (const auto& [before, after] :
       {std::pair(clean, with_others), {with_others, clean}, {with_others, with_others}}) {
    const auto outcome = deltadrop::testing::outcome_of(before, after).value();
    EXPECT_EQ(outcome.changes.counts.changes(), 0) << before << after;
    EXPECT_EQ(outcome.changes.counts.rows, 2) << before << after;
    EXPECT_EQ(outcome.skipped, after == clean ? csv::Skipped{} : alone.skipped);
  }
}

TEST(NotRows, AreRowsUnderRules1) {
  DiffOptions options;
  options.read.rules = 1;
  const auto found = read_alone("id,a\n1,x\n,\n", options).findings;
  ASSERT_EQ(found.total, 1);
  EXPECT_EQ(found.first.front().type, "empty-key");
  EXPECT_EQ(read_alone("id,a\n1,x\nid,a\n", options).changes.counts.rows, 2);
  EXPECT_EQ(read_alone("\nid,a\n\n1,x\n", options).changes.counts.rows, 1);
}

/// A random table in two versions: with and without lines that are not rows.
struct Texts {
  std::string clean;
  std::string mixed;
  csv::Skipped skipped;
};

Texts random_texts(std::mt19937& random, std::vector<std::string>& rows) {
  const std::string header = "key,id,note";
  for (auto& row : rows) {
    if (random() % 10 == 0) row += "x";
  }
  if (random() % 3 == 0 && !rows.empty()) rows.erase(rows.begin() + random() % rows.size());
  if (random() % 3 == 0) {
    // These keys have one digit more than all others.
    rows.insert(rows.begin() + random() % (rows.size() + 1),
                "k1" + std::to_string(1000000 + random() % 8999999) + ",,n");
  }
  Texts texts{header + "\n", header + "\n", {}};
  for (const auto& row : rows) {
    while (random() % 8 == 0) {
      const bool again = random() % 3 == 0;
      texts.mixed +=
          again ? header + "\n" : std::vector<std::string>{",,\n", "\n", " , \n", "\"\",,\n"}[random() % 4];
      ++(again ? texts.skipped.header : texts.skipped.blank);
    }
    texts.clean += row + "\n";
    texts.mixed += row + "\n";
  }
  return texts;
}

Lines without_lines(const csv::File& before, const csv::File& after, const ChangeSet& changes) {
  Lines lines = described(&before, after, changes);
  for (auto& line : lines) {
    const auto from = line.find(' ', line.find(' ') + 1);
    line.erase(from, line.find(' ', from + 1) - from);
  }
  return lines;
}

TEST(NotRows, ChangeNoDiffOfRandomTables) {
  for (unsigned seed = 0; seed < 2000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    std::vector<std::string> rows;
    for (unsigned i = 0, n = random() % 40; i < n; ++i) {
      rows.push_back("k" + std::to_string(i) + "," + (random() % 3 == 0 ? "id" : "") + ",note" +
                     std::to_string(random() % 3));
    }
    const Texts old_texts = random_texts(random, rows);
    const Texts new_texts = random_texts(random, rows);
    const csv::File before = file_over(old_texts.mixed, {});
    const csv::File after = file_over(new_texts.mixed, {});
    const csv::File clean_before = file_over(old_texts.clean, {});
    const csv::File clean_after = file_over(new_texts.clean, {});
    const Options options{.before_is_checked = random() % 2 == 0,
                          .look_ahead_rows = random() % 2 == 0 ? 65536 : 2};
    const auto mixed = diff(&before, after, options).value();
    const auto clean = diff(&clean_before, clean_after, options).value();
    ASSERT_TRUE(mixed.findings.empty()) << mixed.findings.first.front().message;
    ASSERT_EQ(mixed.changes.counts, clean.changes.counts) << old_texts.mixed << "\n" << new_texts.mixed;
    ASSERT_EQ(without_lines(before, after, mixed.changes),
              without_lines(clean_before, clean_after, clean.changes));
    ASSERT_EQ(mixed.skipped, new_texts.skipped) << mixed.skipped.blank << " " << mixed.skipped.header;
  }
}

TEST(EmptyQuoted, IsAnUpdate) {
  DiffOptions options;
  options.read.empty = csv::EmptyPolicy::quoted;
  const csv::File before = file_over("id,a,b\n1,,\"\"\n2,,x\n", options);
  const csv::File after = file_over("id,a,b\n1,\"\",\"\"\n\"2\",,x\n", options);
  const auto outcome = diff(&before, after).value();
  EXPECT_EQ(described(&before, after, outcome.changes),
            (Lines{R"(update 1 2 {"id":"1","a":null,"b":""} {"id":"1","a":"","b":""} [a])"}));
}

TEST(ShortRows, AreRowsWithEmptyFields) {
  DiffOptions options;
  options.read.short_rows = csv::ShortRows::pad;
  const csv::File before = file_over("id,a,b\n1,x,\n2,y,z\n", options);
  const csv::File after = file_over("id,a,b\n1,x\n2\n3\n", options);
  const auto outcome = diff(&before, after).value();
  EXPECT_EQ(described(&before, after, outcome.changes),
            (Lines{R"(update 2 3 {"id":"2","a":"y","b":"z"} {"id":"2","a":null,"b":null} [a b])",
                   R"(insert 3 4 {"id":"3","a":null,"b":null})"}));
  options.read.key = {"b"};
  EXPECT_EQ(only_finding("id,a,b\n1,x,y\n2,z\n", options).type, "empty-key");
}

TEST(TrailingDelimiter, MayNotHideAValue) {
  std::string text = "id,a,\n";
  for (int i = 0; i < 1000; ++i) text += std::to_string(i) + ",x,\n";
  const auto finding = only_finding(text + "1000,x,y\n");
  EXPECT_EQ(finding.type, "value-without-column");
  EXPECT_EQ(finding.line, Line(1002));
  EXPECT_TRUE(says(finding, "\"y\""));
  EXPECT_EQ(read_alone(text + "1000,x,\" \"\n").changes.counts.rows, 1001);
  EXPECT_EQ(only_finding(text + "1000,x\n").type, "too-few-fields");
}

TEST(Messages, NameTheCause) {
  EXPECT_TRUE(says(only_finding("id,name\n1, \"Smith, John\"\n"), "the cause is the blank before the quote"));
  EXPECT_TRUE(says(only_finding("id,name\n1,\"Smith, John\" \n"), "a blank after its closing quote"));
  EXPECT_FALSE(says(only_finding("id,name\n1,a, b\n"), "blank before the quote"));
  EXPECT_TRUE(says(only_finding("id,a\n1,x\r2\n3,y\n"), "a lone CR"));
  EXPECT_TRUE(says(only_finding("id,a\n1,caf\xE9\n"), "as windows-1252 it reads \"caf\xC3\xA9\""));
  EXPECT_TRUE(says(only_finding("id,a\n1\n"), "short_rows=pad"));
}

TEST(Messages, NameTheSettingOfALimit) {
  DiffOptions options;
  options.limits.rows_max = 1;
  EXPECT_TRUE(says(only_finding("id\n1\n2\n", options), "MAX_ROWS"));
  options = {};
  options.limits.columns_max = 1;
  EXPECT_TRUE(says(only_finding("id,a\n", options), "MAX_COLUMNS"));
  options = {};
  options.limits.row_bytes_max = 3;
  EXPECT_TRUE(says(only_finding("id\n1234\n", options), "MAX_ROW_BYTES"));
  options = {};
  options.limits.field_bytes_max = 3;
  EXPECT_TRUE(says(only_finding("id\n1234\n", options), "MAX_FIELD_BYTES"));
}

TEST(Messages, OfAFaultInEveryLineAreOne) {
  const auto finding = only_finding("id,a\n1\n2\n3\n4\n");
  EXPECT_EQ(finding.type, "too-few-fields");
  EXPECT_EQ(finding.count, 4);
  EXPECT_TRUE(says(finding, "each of the 4 rows"));
  EXPECT_EQ(read_alone("id,a\n1\n2\n3\n4,x\n").findings.total, 3);
  const auto two = read_alone("id,a\n,\"x\"y\n,\"x\"y\n,\"x\"y\n1,\"x\"y\n").findings;
  EXPECT_EQ(two.total, 1) << "a row with a fault has no key";
}

TEST(Warnings, SayThatALoneReturnEndsARow) {
  const auto warnings = read_alone("id\n1\r2\n3\n").warnings;
  ASSERT_EQ(warnings.first.size(), 1U);
  EXPECT_EQ(warnings.first.front().type, "lone-return");
  EXPECT_EQ(warnings.first.front().line, Line(2));
  EXPECT_TRUE(read_alone("id\r1\r2\r").warnings.empty());
  EXPECT_TRUE(read_alone("id\n\"1\r2\"\n").warnings.empty());
}

TEST(Warnings, SayThatTheHeaderLooksLikeData) {
  const auto warnings = read_alone("DE0001102341,Bund,99.1\nFR0000120271,Total,54.2\n").warnings;
  ASSERT_EQ(warnings.first.size(), 1U);
  EXPECT_TRUE(says(warnings.first.front(), "looks like data"));
  EXPECT_TRUE(says(warnings.first.front(), "header=none"));
}

}  // namespace
}  // namespace deltadrop::diff
