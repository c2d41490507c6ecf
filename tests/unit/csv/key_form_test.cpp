#include "csv/key_form.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "csv/comparison_options.hpp"
#include "csv/key_reader.hpp"

namespace deltadrop::csv {
namespace {

constexpr KeyRules kTrim{.trim = true};
constexpr KeyRules kIgnoreCase{.ignore_case = true};
constexpr KeyRules kNfc{.nfc = true};
constexpr KeyRules kAll{.trim = true, .ignore_case = true, .nfc = true};

std::string form(std::string_view key, const KeyRules& rules) {
  std::string out = "left from before";
  write_key_form(out, key, rules);
  return out;
}

std::string look_alike(std::string_view key) {
  std::string out;
  write_look_alike_form(out, key);
  return out;
}

constexpr std::string_view kComposed = "\xC3\x89";       // É
constexpr std::string_view kDecomposed = "E\xCC\x81";    // E and a combining acute accent
constexpr std::string_view kSmallComposed = "\xC3\xA9";  // é

TEST(KeyForm, IsTheKeyWithoutRules) {
  for (const std::string_view key : std::vector<std::string_view>{"", " a ", "aA", kDecomposed, "\xFF"}) {
    EXPECT_EQ(form(key, {}), key);
  }
}

TEST(KeyForm, LeavesOutBlanksAroundTheKey) {
  EXPECT_EQ(form(" \tDE 01\r\n ", kTrim), "DE 01");
  EXPECT_EQ(form("\xC2\xA0"
                 "DE\xC2\xA0"
                 "01\xE2\x80\xAF",
                 kTrim),
            "DE\xC2\xA0"
            "01");
  EXPECT_EQ(form("\xEF\xBB\xBF"
                 "x\xE2\x80\x8B",
                 kTrim),
            "x");
  EXPECT_EQ(form("  ", kTrim), "");
  EXPECT_EQ(form("\xC2\xA0", kTrim), "");
  EXPECT_EQ(form(" a", kIgnoreCase), " A");
}

TEST(KeyForm, IgnoresCase) {
  EXPECT_EQ(form("fr0000120271", kIgnoreCase), "FR0000120271");
  EXPECT_EQ(form("stra\xC3\x9F"
                 "e",
                 kIgnoreCase),
            "STRASSE");
  EXPECT_EQ(form(kSmallComposed, kIgnoreCase), kComposed);
  EXPECT_EQ(form("\xCF\x82", kIgnoreCase), form("\xCE\xA3", kIgnoreCase)) << "a final sigma";
  EXPECT_NE(form("\xC4\xB1", kIgnoreCase), form("i", kIgnoreCase)) << "a dotless i is another letter";
}

TEST(KeyForm, ComposesCanonically) {
  EXPECT_EQ(form(kDecomposed, kNfc), kComposed);
  EXPECT_NE(form(kDecomposed, kIgnoreCase), form(kComposed, kIgnoreCase));
  EXPECT_EQ(form(std::string("e\xCC\x81 "), kAll), kComposed);
  EXPECT_EQ(form("\xEF\xAC\x81", kNfc), "\xEF\xAC\x81") << "a ligature is only compatible";
  const std::string alpha_and_acute = "\xE1\xBE\x80\xCC\x81";  // alpha with iota subscript, and an accent
  EXPECT_EQ(form(alpha_and_acute, kNfc), "\xE1\xBE\x84");
  EXPECT_EQ(form(alpha_and_acute, kAll), form("\xE1\xBE\x84", kAll));
}

TEST(KeyForm, LeavesInvalidTextAlone) { EXPECT_EQ(form(" \xFF ", kAll), " \xFF "); }

TEST(KeyForm, OfAFormIsItself) {
  const std::vector<std::string_view> pieces = {"a",
                                                "Z",
                                                " ",
                                                "\xC3\x9F",
                                                "\xC4\xB0",
                                                "\xC4\xB1",
                                                kDecomposed,
                                                kComposed,
                                                "\xC2\xA0",
                                                "\xCC\x81",
                                                "\xCE\xB0",
                                                "\xEF\xAC\x83",
                                                "\xE2\x84\xAA",
                                                "\xC7\xB0",
                                                "\xE1\xBE\x80",
                                                "7"};
  const std::uint32_t seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  for (int i = 0; i < 20'000; ++i) {
    std::string key;
    for (auto left = random() % 5; left > 0; --left) key += pieces[random() % pieces.size()];
    const KeyRules rules{random() % 2 == 0, random() % 2 == 0, random() % 2 == 0};
    const auto once = form(key, rules);
    ASSERT_EQ(form(once, rules), once) << key << ' ' << rules.trim << rules.ignore_case << rules.nfc;
    // Folding may separate a mark from its letter; a blank between them may too.
    if (rules.ignore_case) continue;
    ASSERT_EQ(look_alike(once), look_alike(key)) << key;
  }
}

TEST(LookAlikeForm, LeavesOutEveryBlank) {
  EXPECT_EQ(look_alike(" de 01\xC2\xA0"
                       "e\xCC\x81"),
            std::string("DE01") + std::string(kComposed));
  EXPECT_NE(look_alike("a1"), look_alike("a2"));
}

TEST(KeyReader, GivesEachPartItsForm) {
  Header header;
  header.columns = {"a", "b", "c"};
  header.key = {2, 0};
  header.key_rules = {.trim = true, .ignore_case = true};
  KeyReader composite(header);
  EXPECT_EQ(composite.read(" x ,1,\" y\"\"z \""), "\"Y\"\"Z\",X");
  EXPECT_FALSE(composite.last_was_empty());
  composite.read(" ,1, ");
  EXPECT_TRUE(composite.last_was_empty());
  header.key = {0};
  KeyReader single(header);
  EXPECT_EQ(single.read(" x ,1,2"), "X");
  EXPECT_FALSE(single.last_was_empty());
  single.read("  ,1,2");
  EXPECT_TRUE(single.last_was_empty());
  EXPECT_EQ(KeyReader(header, KeyRules{}).read(" x ,1,2"), " x ");
}

TEST(ComparisonOptions, AreRead) {
  EXPECT_FALSE(parse_compare("text").value());
  EXPECT_TRUE(parse_compare("numeric").value()->columns.empty());
  const auto some = parse_compare("numeric:px,\"a, b\"").value();
  EXPECT_EQ(some->columns, (std::vector<std::string>{"a, b", "px"}));
  EXPECT_TRUE(some->includes("px"));
  EXPECT_FALSE(some->includes("name"));
  EXPECT_EQ(to_string(some), "numeric:\"a, b\",px");
  EXPECT_EQ(parse_compare(to_string(some)).value(), some);
  EXPECT_EQ(to_string(parse_compare("numeric").value()), "numeric");
  EXPECT_EQ(to_string(std::optional<NumericComparison>()), "text");
  EXPECT_EQ(parse_tolerance("0.005").value().to_string(), "0.005");
  EXPECT_TRUE(parse_key_case("ignore").value());
  EXPECT_FALSE(parse_key_case("exact").value());
  EXPECT_TRUE(parse_key_unicode("nfc").value());
  for (const std::string text : {"", "number", "numeric:", "numericpx", "Numeric", "text:px"}) {
    EXPECT_EQ(parse_compare(text).error().type, "bad-compare") << text;
  }
  for (const std::string text : {"", "-1", "x", "0,5"}) {
    EXPECT_EQ(parse_tolerance(text).error().type, "bad-tolerance") << text;
  }
  EXPECT_EQ(parse_key_case("lower").error().type, "bad-key-case");
  EXPECT_EQ(parse_key_unicode("nfkc").error().type, "bad-key-unicode");
}

}  // namespace
}  // namespace deltadrop::csv
