#include "core/declared_type.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace deltadrop {
namespace {

DeclaredType type_of(std::string_view text) {
  const auto type = DeclaredType::parse(text);
  EXPECT_TRUE(type.has_value()) << text << ": " << (type.has_value() ? "" : type.error().text());
  return type.has_value() ? type.value() : DeclaredType();
}

/// The value that `text` is, as a canonical number, or "" where it is none.
std::string number(std::string_view type, std::string_view text) {
  const auto read = type_of(type).number(text);
  return read ? read->to_string() : "";
}

TEST(DeclaredType, HasACanonicalTextThatIsReadAgain) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"int64", "int64"},
      {"DECIMAL(2)", "decimal(2)"},
      {"decimal( 2 )", "decimal(2)"},
      {"Date", "date"},
      {"decimal(2,',')", "decimal(2, ',')"},
      {"decimal(4, ',', percent)", "decimal(4, ',', percent)"},
      {"decimal(2, '.', thousands ',')", "decimal(2, '.', thousands ',')"},
      {"decimal(2, '.', Thousands comma)", "decimal(2, '.', thousands ',')"},
      {"decimal(2, ',', thousands '.')", "decimal(2, ',', thousands '.')"},
      {"decimal(2, '.', thousands '''')", "decimal(2, '.', thousands apostrophe)"},
      {"decimal(2, '.', thousands ' ')", "decimal(2, '.', thousands blank)"},
      {"decimal(2, '.', thousands '\xC2\xA0')", "decimal(2, '.', thousands blank)"},
      {"decimal(2, '.', thousands none)", "decimal(2, '.', thousands none)"},
      {"decimal(2, '.', thousands any)", "decimal(2, '.')"},
      {"decimal(2, percent)", "decimal(2, '.', percent)"},
      {"decimal(2, ',', currency '\xE2\x82\xAC')", "decimal(2, ',', currency '\xE2\x82\xAC')"},
      {"decimal(2, ',', percent, currency 'EUR')", "decimal(2, ',', currency 'EUR', percent)"},
      {"int64(thousands '.')", "int64(thousands '.')"},
      {"int64(thousands any)", "int64(thousands any)"},
      {"int64(currency '$')", "int64(currency '$')"},
      {"date(DD.MM.YYYY)", "date(DD.MM.YYYY)"},
      {"date('M/D/YYYY')", "date(M/D/YYYY)"},
      {"date(YYYYMMDD)", "date(YYYYMMDD)"},
  };
  for (const auto& [text, canonical] : cases) {
    EXPECT_EQ(type_of(text).to_string(), canonical);
    EXPECT_EQ(type_of(canonical), type_of(text)) << text;
  }
}

TEST(DeclaredType, IsRefusedWithTheFix) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"text", "is unknown"},
      {"null", "is unknown"},
      {"", "is unknown"},
      {"decimal", "is unknown"},
      {"decimal()", "is unknown"},
      {"decimal(3)", "has a scale of 3"},
      {"decimal(3, ',')", "decimal(4), which holds 3 digits"},
      {"decimal(19)", "is unknown"},
      {"decimal(2", "has no closing parenthesis"},
      {"decimal(2, ';')", "has a decimal mark other than"},
      {"decimal(2, '')", "has a decimal mark other than"},
      {"decimal(2, ',', thousands ',')", "as decimal mark and as thousands separator"},
      {"decimal(2, '.', thousands '.')", "as decimal mark and as thousands separator"},
      {"decimal(2, ',', thousands 'x')", "unknown thousands separator"},
      {"decimal(2, ',', thousands)", "where an option is expected"},
      {"decimal(2, ',', nonsense)", "where an option is expected"},
      {"decimal(2, ',', )", "empty argument"},
      {"decimal(2, ',)", "single quote that is not closed"},
      {"decimal(2, ',', currency EUR)", "not a sign or a code in single quotes"},
      {"decimal(2, ',', currency '5')", "not a sign or a code in single quotes"},
      {"date(DD.MM.YY)", "not one of a date"},
      {"date(DD.MM)", "not one of a date"},
      {"date(DD.DD.YYYY)", "not one of a date"},
      {"date(DMYYYY)", "not one of a date"},
      {"date(YYYY-MM-DD HH)", "not one of a date"},
      {"boolean(1)", "is unknown"},
  };
  for (const auto& [text, problem] : cases) {
    const auto type = DeclaredType::parse(text);
    ASSERT_FALSE(type.has_value()) << text;
    EXPECT_EQ(type.error().type, "bad-types");
    EXPECT_NE(type.error().text().find(problem), std::string::npos) << type.error().text();
  }
}

TEST(DeclaredType, ReadsNumbersUnderADecimalComma) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"1.234,56", "1234.56"},
      {"-7,00", "-7"},
      {"1234,5", "1234.5"},
      {"1 234,5", "1234.5"},
      {"1'234,5", "1234.5"},
      {"1\xE2\x80\x99"
       "234,5",
       "1234.5"},
      {"1\xC2\xA0"
       "234\xC2\xA0"
       "567,5",
       "1234567.5"},
      {"1\xE2\x80\xAF"
       "234",
       "1234"},
      {"(1.234,56)", "-1234.56"},
      {"( 5 )", "-5"},
      {"5-", "-5"},
      {"+5", "5"},
      {"\xE2\x88\x92"
       "5,5",
       "-5.5"},
      {" 5,5 ", "5.5"},
      {",5", "0.5"},
      {"00,50", "0.5"},
      {"9,1e-05", "0.000091"},
      {"1E3", "1000"},
  };
  for (const auto& [text, value] : cases) EXPECT_EQ(number("decimal(2, ',')", text), value) << text;
  for (const std::string text : {"",
                                 "-",
                                 "n/a",
                                 "1,2,3",
                                 "1.23,5",
                                 "1.2345",
                                 "12.34.567",
                                 "1.234'567",
                                 "1.234,",
                                 "1234.567",
                                 ".5",
                                 "5%",
                                 "\xE2\x82\xAC 5",
                                 "(5",
                                 "5)",
                                 "(-5)",
                                 "--5",
                                 "-5-",
                                 "1.234e5",
                                 "1 2",
                                 "5 x",
                                 "()",
                                 "1..234"}) {
    EXPECT_EQ(number("decimal(2, ',')", text), "") << text;
  }
}

TEST(DeclaredType, ReadsOnlyWhatIsDeclared) {
  EXPECT_EQ(number("decimal(2, '.', thousands ',')", "1,000.00"), "1000");
  EXPECT_EQ(number("decimal(2, '.', thousands ',')", "1'000.00"), "");
  EXPECT_EQ(number("decimal(2, '.', thousands none)", "1,000.00"), "");
  EXPECT_EQ(number("decimal(2, '.', thousands apostrophe)", "1'000"), "1000");
  EXPECT_EQ(number("decimal(2, '.', thousands blank)", "1 000"), "1000");
  EXPECT_EQ(number("decimal(2)", "1,000.00"), "");
  EXPECT_EQ(number("decimal(2)", "9.1e-05"), "0.000091");
  EXPECT_EQ(number("decimal(2)", "007"), "");
  EXPECT_EQ(number("int64(thousands '.')", "1.000"), "1000");
  EXPECT_EQ(number("int64(thousands ',')", "1,000"), "1000");
  EXPECT_EQ(number("decimal(4, ',', percent)", "12,5 %"), "0.125");
  EXPECT_EQ(number("decimal(4, ',', percent)", "(12,5%)"), "-0.125");
  EXPECT_EQ(number("decimal(4, ',', percent)", "12,5"), "") << "may be 12.5 or 0.125";
  EXPECT_EQ(number("decimal(4, ',', percent)", "1e3%"), "");
  EXPECT_EQ(number("decimal(4, ',', percent)", "5%%"), "");
  const auto* const euro = "decimal(2, ',', currency '\xE2\x82\xAC')";
  EXPECT_EQ(number(euro, "\xE2\x82\xAC 1.000,50"), "1000.5");
  EXPECT_EQ(number(euro, "-1.000,50\xE2\x82\xAC"), "-1000.5");
  EXPECT_EQ(number(euro,
                   "(\xE2\x82\xAC"
                   "5)"),
            "-5");
  EXPECT_EQ(number(euro, "\xE2\x82\xAC-5"), "-5");
  EXPECT_EQ(number(euro, "5"), "5");
  EXPECT_EQ(number(euro, "$5"), "") << "another currency is another value";
}

TEST(DeclaredType, ReadsDates) {
  const auto read = [](std::string_view type, std::string_view text) {
    const auto value = type_of(type).typed(text);
    return value.type == ColumnType::date ? std::optional(static_cast<std::int64_t>(value.number))
                                          : std::nullopt;
  };
  const auto iso = [](std::string_view text) { return static_cast<std::int64_t>(typed_value(text).number); };
  EXPECT_EQ(read("date(DD.MM.YYYY)", "31.01.2025"), iso("2025-01-31"));
  EXPECT_EQ(read("date(MM/DD/YYYY)", "01/31/2025"), iso("2025-01-31"));
  EXPECT_EQ(read("date(M/D/YYYY)", "1/31/2025"), iso("2025-01-31"));
  EXPECT_EQ(read("date(M/D/YYYY)", "01/31/2025"), iso("2025-01-31"));
  EXPECT_EQ(read("date(YYYYMMDD)", "20250131"), iso("2025-01-31"));
  EXPECT_EQ(read("date(DD.MM.YYYY)", "29.02.2024"), iso("2024-02-29"));
  EXPECT_EQ(read("date", "2025-01-31"), iso("2025-01-31"));
  for (const std::string text : {"", "1.1.2025", "31.13.2025", "29.02.2023", "31.01.25", "31.01.2025 ",
                                 "31/01/2025", "00.01.2025", "01.01.0000", "2025-01-31", "31.01.20255"}) {
    EXPECT_FALSE(read("date(DD.MM.YYYY)", text)) << text;
  }
}

TEST(DeclaredType, TypesAreTheNarrowestThatHoldAValue) {
  const auto type = type_of("decimal(2, ',')");
  EXPECT_EQ(type.typed("1.000").type, ColumnType::int64);
  EXPECT_EQ(type.typed("1.000,50").type, ColumnType::decimal2);
  EXPECT_EQ(type.typed("1.000,50").number, Int128{100050});
  EXPECT_EQ(type.typed("0,00000").type, ColumnType::decimal2);
  EXPECT_EQ(type.typed("0,125").type, ColumnType::decimal4);
  EXPECT_EQ(type.typed("9,1e-05").type, ColumnType::decimal6);
  EXPECT_EQ(type.typed("n/a").type, ColumnType::string);
  EXPECT_EQ(type.typed("9.223.372.036.854.775.808").type, ColumnType::decimal2);
  EXPECT_EQ(type.typed("123456789012345678901").type, ColumnType::string);
  EXPECT_TRUE(type.holds("1.000"));
  EXPECT_FALSE(type.holds("0,125"));
  EXPECT_EQ(type.fault_in("0,125"), "needs decimal(4), which is wider than decimal(2, ',')");
  EXPECT_EQ(type.fault_in("n/a"), "is not a value of decimal(2, ',')");
  EXPECT_TRUE(type_of("string").holds("anything"));
  EXPECT_FALSE(type_of("int64").holds("1.5"));
  EXPECT_FALSE(type_of("int64(thousands ',')").holds("1,000.5"));
  EXPECT_FALSE(type_of("date").holds("2025-01-31T00:00:00Z"));
  EXPECT_TRUE(type_of("boolean").holds("true"));
}

TEST(DeclaredType, ReadsEveryNumberInEveryNotation) {
  const std::uint32_t seed = std::random_device{}();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937 random(seed);
  const std::vector<std::pair<std::string, std::string>> separators = {{".", "thousands '.'"},
                                                                       {"'", "thousands apostrophe"},
                                                                       {" ", "thousands blank"},
                                                                       {"", "thousands none"},
                                                                       {"\xE2\x80\xAF", "thousands any"}};
  for (int i = 0; i < 20'000; ++i) {
    const std::int64_t cents = random() % (i % 2 == 0 ? 100'000 : 4'000'000'000);
    const auto& [separator, words] = separators[random() % separators.size()];
    auto text = fmt::format("{}", cents / 100);
    for (auto at = static_cast<std::ptrdiff_t>(text.size()) - 3; at > 0; at -= 3) {
      text.insert(static_cast<std::size_t>(at), separator);
    }
    text += fmt::format(",{:02}", cents % 100);
    const bool negative = random() % 2 == 0;
    if (negative) text = random() % 2 == 0 ? "(" + text + ")" : "-" + text;
    const auto read = type_of(fmt::format("decimal(2, ',', {})", words)).number(text);
    ASSERT_TRUE(read) << text;
    ASSERT_EQ(*read, Decimal::of_digits(negative, fmt::format("{}", cents), -2)) << text;
  }
}

TEST(DeclaredTypes, AreReadFromAList) {
  const auto types = parse_declared_types(
      "revenue:DECIMAL(2),\"a,b:c:date\",amount:decimal(2, ','),booked:date(DD.MM.YYYY),"
      "\"x:decimal(2, ',')\",a:b:timestamp");
  ASSERT_TRUE(types.has_value()) << types.error().text();
  std::string all;
  for (const auto& [column, type] : types.value()) all += column + "=" + type.to_string() + ";";
  EXPECT_EQ(all,
            "a,b:c=date;a:b=timestamp;amount=decimal(2, ',');booked=date(DD.MM.YYYY);revenue=decimal(2);"
            "x=decimal(2, ',');");
  EXPECT_TRUE(parse_declared_types("").value().empty());
  EXPECT_EQ(parse_declared_types("a(b:int64").value().begin()->first, "a(b");
  EXPECT_EQ(parse_declared_types("a:int64\r\n").value().size(), 1);
}

TEST(DeclaredTypes, AreRefused) {
  for (const std::string text :
       {"a", ":date", "a:text", "a:date,a:date", "a:date,", ",a:date", "a:decimal(2, ','", "\"a:date",
        "\"a:date\"x", "a:date\nb:date", "a:decimal(3)"}) {
    const auto types = parse_declared_types(text);
    ASSERT_FALSE(types.has_value()) << text;
    EXPECT_EQ(types.error().type, "bad-types") << text;
  }
}

}  // namespace
}  // namespace deltadrop
