#include <gtest/gtest.h>

#include "support/diffing.hpp"

namespace deltadrop::diff {
namespace {

using deltadrop::testing::DiffOptions;
using deltadrop::testing::file_over;
using std::string_literals::operator""s;

csv::Findings findings_of(std::string_view text, const DiffOptions& options = {}) {
  const csv::File file = file_over(text, options);
  const auto outcome = diff(nullptr, file);
  EXPECT_TRUE(outcome.has_value());
  if (outcome.value().findings.empty()) return {};
  EXPECT_TRUE(outcome.value().changes.listed.empty());
  return outcome.value().findings;
}

struct Expected {
  std::string type;
  std::int64_t line;
  std::optional<std::string> column;
  std::optional<std::string> value;
  std::string says;
};

struct Case {
  std::string name;
  std::string text;
  std::vector<Expected> findings;
};

class RowFindings : public ::testing::TestWithParam<Case> {};

TEST_P(RowFindings, NamePlaceValueAndFix) {
  const csv::Findings found = findings_of(GetParam().text);
  const auto& expected = GetParam().findings;
  EXPECT_EQ(found.total, static_cast<std::int64_t>(expected.size()));
  ASSERT_EQ(found.first.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const csv::Finding& finding = found.first[i];
    EXPECT_EQ(finding.type, expected[i].type);
    EXPECT_EQ(finding.line, Line(expected[i].line)) << finding.message;
    EXPECT_EQ(finding.column, expected[i].column) << finding.message;
    EXPECT_EQ(finding.value, expected[i].value) << finding.message;
    EXPECT_NE(finding.message.find(expected[i].says), std::string::npos) << finding.message;
    EXPECT_FALSE(finding.fix.empty());
  }
}

INSTANTIATE_TEST_SUITE_P(
    Cases, RowFindings,
    ::testing::Values(
        Case{"empty_file", "", {{"no-header", 1, {}, {}, "no header line"}}},
        Case{"too_many",
             "id,a\n1,x\n2,y,z\n",
             {{"too-many-fields", 3, {}, "2,y,z", "line 3 has 3 fields, the header has 2"}}},
        Case{"too_few",
             "id,a\n1\n2,y\n",
             {{"too-few-fields", 2, {}, "1", "line 2 has 1 field, the header has 2"}}},
        Case{"unclosed",
             "id,a,b\n1,x,y\n2,\"z,w\n3,x,y\n",
             {{"unclosed-quote", 3, "a", "\"z,w\\x0A3,x,y\\x0A", "never closed"}}},
        Case{"after_quote", "id,a,b\n1,\"x\"y,z\n", {{"text-after-quote", 2, "a", "\"x\"y", "in line 2"}}},
        Case{"invalid_utf8",
             "id,a\n1,caf\xE9\n2,ok\n",
             {{"invalid-utf8", 2, "a", "caf\\xE9", "not valid UTF-8"}}},
        Case{"surrogate_in_utf8",
             "id,a\n1,\xED\xA0\x80\n",
             {{"invalid-utf8", 2, "a", "\\xED\\xA0\\x80", "not valid"}}},
        Case{"cut_character_at_row_end",
             "id,a\n1,\xE2\x82\n2,x\n",
             {{"invalid-utf8", 2, "a", "\\xE2\\x82", "not valid"}}},
        Case{"nul", "id,a\n1,x\n2,y\0z\n"s, {{"nul-byte", 3, "a", "y\\x00z", "NUL"}}},
        Case{"nul_and_invalid",
             "id,a\n\xFF,y\0\n"s,
             {{"nul-byte", 2, "a", "y\\x00", "NUL"}, {"invalid-utf8", 2, "id", "\\xFF", "not valid"}}},
        Case{"empty_key",
             "id,a\n,x\n\"\",y\n",
             {{"empty-key", 2, "id", {}, "key \"id\" is empty in line 2"},
              {"empty-key", 3, "id", {}, "line 3"}}},
        Case{"repeated_key",
             "id,a\nFIN-7,x\nb,\"\n\"\n\"FIN-7\",z\nFIN-7,w\n",
             {{"repeated-key", 5, "id", "FIN-7", "repeated key \"FIN-7\" in lines 2 and 5"},
              {"repeated-key", 6, "id", "FIN-7", "repeated key \"FIN-7\" in lines 2 and 6"}}},
        Case{"repeated_key_that_increased_once",
             "id,a\n1,x\n2\n3,\"\n\"\n4,x\n0,x\n3,x\n0,x\n5,x\n2,x\n",
             {{"too-few-fields", 3, {}, "2", "line 3"},
              {"repeated-key", 8, "id", "3", "repeated key \"3\" in lines 4 and 8"},
              {"repeated-key", 9, "id", "0", "repeated key \"0\" in lines 7 and 9"}}},
        Case{"long_key",
             "id,a\n" + std::string(1024, 'k') + ",x\n" + std::string(1025, 'k') + ",x\n",
             {{"key-too-long", 3, "id", std::string(80, 'k') + "...", "has 1025 bytes, 1024 are allowed"}}},
        Case{"long_column_name",
             "id," + std::string(1024, 'n') + "," + std::string(1025, 'm') + "\n1,x,y\n",
             {{"column-name-too-long",
               1,
               std::string(80, 'm') + "...",
               {},
               "has 1025 bytes, 1024 are allowed"}}},
        Case{"all_in_one_pass",
             "id,a,A\n1,x\n,x,y\n2,x,y\n2,z,w\n3,\"x\n",
             {{"repeated-column-name", 1, "A", {}, "places 2 and 3"},
              {"too-few-fields", 2, {}, "1,x", "line 2"},
              {"empty-key", 3, "id", {}, "line 3"},
              {"repeated-key", 5, "id", "2", "lines 4 and 5"},
              {"unclosed-quote", 6, "a", "\"x\\x0A", "never closed"}}}),
    [](const auto& each) { return each.param.name; });

TEST(Findings, AreKeptToAHundredAndCounted) {
  std::string text = "id,a\n";
  for (int i = 0; i < 250; ++i) text += std::to_string(i) + "\n";
  // Add a row without the fault. If all rows had it, it would be reported once.
  text += "250,x\n";
  const auto found = findings_of(text);
  EXPECT_EQ(found.total, 250);
  ASSERT_EQ(found.first.size(), 100U);
  EXPECT_EQ(found.first.back().line, Line(101));
}

TEST(Findings, OfAVersionThatRepeatsAnOldKey) {
  const csv::File before = file_over("id,a\n1,x\n2,y\n", {});
  for (const std::string after :
       {"id,a\n1,x\n2,y\n1,x\n", "id,a\n1,x\n2,z\n1,w\n", "id,a\n1,w\n2,z\n1,x\n"}) {
    const auto outcome = diff(&before, file_over(after, {}));
    ASSERT_TRUE(outcome.has_value());
    ASSERT_EQ(outcome.value().findings.total, 1) << after;
    EXPECT_EQ(outcome.value().findings.first.front().message, "repeated key \"1\" in lines 2 and 4") << after;
  }
}

TEST(Findings, OfAComposite) {
  DiffOptions options;
  options.read.key = {"a", "b"};
  const auto found = findings_of("a,b,c\n,,x\n1,,x\n,1,x\n1,,y\n", options);
  ASSERT_EQ(found.total, 2);
  EXPECT_EQ(found.first[0].type, "empty-key");
  EXPECT_EQ(found.first[0].column, "a,b");
  EXPECT_EQ(found.first[1].message, "repeated key \"1,\" in lines 3 and 5");
}

TEST(Findings, GoOnWithoutAKey) {
  DiffOptions options;
  options.read.key = {"missing"};
  const auto found = findings_of("id,a\n1,x\n1,y\n2\n", options);
  ASSERT_EQ(found.total, 2);
  EXPECT_EQ(found.first[0].type, "missing-key-column");
  EXPECT_EQ(found.first[1].type, "too-few-fields");
}

TEST(Findings, ComeBeforeAChangedKey) {
  const csv::File before = file_over("id,a\n1,x\n", {});
  DiffOptions options;
  options.read.key = {"missing"};
  const auto outcome = diff(&before, file_over("id,a\n1,x\n", options));
  ASSERT_TRUE(outcome.has_value()) << outcome.error().text();
  EXPECT_EQ(outcome.value().findings.first.front().type, "missing-key-column");
}

TEST(RowLimit, IsAFinding) {
  DiffOptions options;
  options.limits.rows_max = 2;
  EXPECT_TRUE(findings_of("id\n1\n2\n", options).empty());
  const auto found = findings_of("id\n1\n2\n3\n4\n", options);
  ASSERT_EQ(found.total, 1);
  EXPECT_EQ(found.first.front().type, "too-many-rows");
  EXPECT_EQ(found.first.front().line, Line(4));
}

TEST(EventSize, IsOfTheJsonOfHalfAnEvent) {
  DiffOptions options;
  options.limits.event_bytes_max = 2 * (8192 + 1000);
  // {"id":"1","a":"..."} and ["id","a"] and "id": 38 bytes of names, punctuation and "1".
  const auto text_of = [](std::size_t size, char c) { return "id,a\n1,\"" + std::string(size, c) + "\"\n"; };
  EXPECT_TRUE(findings_of(text_of(900, 'x'), options).empty());
  EXPECT_TRUE(findings_of(text_of(450, '\n'), options).empty());
  for (const std::string& text : {text_of(1000, 'x'), text_of(500, '\n')}) {
    const auto found = findings_of(text, options);
    ASSERT_EQ(found.total, 1);
    EXPECT_EQ(found.first.front().type, "row-too-large");
    EXPECT_EQ(found.first.front().column, "a");
    EXPECT_EQ(found.first.front().line, Line(2));
  }
  options.read.ignore = {"a"};
  EXPECT_TRUE(findings_of(text_of(5000, 'x'), options).empty()) << "an ignored column is in no event";
}

TEST(EventSize, AnAcceptedRowFitsTwiceIntoAnEvent) {
  DiffOptions options;
  options.limits.event_bytes_max = 2 * (8192 + 300);
  std::size_t largest = 0;
  for (std::size_t size = 1; size < 300; ++size) {
    const std::string old_text = "id,a\n1,\"" + std::string(size, '\t') + "\"\n";
    const std::string new_text = "id,a\n1,\"" + std::string(size, '\n') + "\"\n";
    const csv::File before = file_over(old_text, options);
    const csv::File after = file_over(new_text, options);
    const auto outcome = diff(&before, after);
    ASSERT_TRUE(outcome.has_value());
    if (!outcome.value().findings.empty()) break;
    largest = size;
    ASSERT_TRUE(for_each_event(&before, after, outcome.value().changes, Seq(1),
                               [&](const EventView& event) -> Result<bool> {
                                 EXPECT_LE(event.old_values_json.size() + event.new_values_json.size() + 8192,
                                           options.limits.event_bytes_max);
                                 return true;
                               })
                    .has_value());
  }
  EXPECT_GT(largest, 100U);
}

TEST(Utf16, IsNamedInFindings) {
  const auto found = findings_of("\xFF\xFEi\0d\0\n\0\x3D\xD8\n\0"s);
  ASSERT_EQ(found.total, 1);
  EXPECT_EQ(found.first.front().type, "invalid-utf8");
  EXPECT_NE(found.first.front().message.find("UTF-16"), std::string::npos) << found.first.front().message;
}

}  // namespace
}  // namespace deltadrop::diff
