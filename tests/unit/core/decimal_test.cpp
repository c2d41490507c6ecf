#include "core/decimal.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace deltadrop {
namespace {

Decimal of(std::string_view text) {
  const auto number = Decimal::parse(text);
  EXPECT_TRUE(number) << text;
  return number.value_or(Decimal());
}

TEST(Decimal, HasACanonicalText) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"0", "0"},
      {"-0", "0"},
      {"-0.00e5", "0"},
      {"007", "7"},
      {"1.10", "1.1"},
      {"-1.10", "-1.1"},
      {"100", "100"},
      {"1e2", "100"},
      {"1E+2", "100"},
      {"9.1e-05", "0.000091"},
      {"12.5e-1", "1.25"},
      {"0.5", "0.5"},
      {"12345678901234567890123456789012345678901234567890.5",
       "12345678901234567890123456789012345678901234567890.5"},
      {"1e-400", "0." + std::string(399, '0') + "1"},
  };
  for (const auto& [text, canonical] : cases) EXPECT_EQ(of(text).to_string(), canonical) << text;
}

TEST(Decimal, IsNotReadFromOtherTexts) {
  for (const std::string text : {"",    "-",     ".",     "1.",     ".5",  "+1", "1e",
                                 "1e+", "1e1.5", "1e401", "1e-401", " 1",  "1 ", "1,5",
                                 "1_0", "0x1",   "nan",   "inf",    "--1", "1-", "1e99999999999999999999"}) {
    EXPECT_FALSE(Decimal::parse(text)) << text;
  }
}

TEST(Decimal, CountsTheDigitsOfItsCanonicalText) {
  EXPECT_EQ(of("120.50").integer_digits(), 3);
  EXPECT_EQ(of("120.50").fraction_digits(), 1);
  EXPECT_EQ(of("0.05").integer_digits(), 0);
  EXPECT_EQ(of("5e3").integer_digits(), 4);
  EXPECT_EQ(of("5e3").fraction_digits(), 0);
  EXPECT_EQ(Decimal().integer_digits(), 0);
}

TEST(Decimal, IsUnscaledWhereEveryDigitFits) {
  EXPECT_EQ(of("-1.25").unscaled(2), Int128{-125});
  EXPECT_EQ(of("-1.25").unscaled(4), Int128{-12500});
  EXPECT_FALSE(of("1.25").unscaled(1));
  EXPECT_EQ(of("0").unscaled(18), Int128{0});
  const std::string most(38, '9');
  EXPECT_TRUE(of(most).unscaled(0));
  EXPECT_FALSE(of(most).unscaled(1));
  EXPECT_FALSE(of("1e38").unscaled(0));
}

TEST(Decimal, AddsAndComparesLikeIntegers) {
  const std::uint32_t seed = std::random_device{}();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937 random(seed);
  const auto number = [&] {
    const auto digits = static_cast<std::int64_t>(1 + random() % 9);
    std::int64_t value = random() % 1'000'000'000;
    for (std::int64_t i = digits; i < 9; ++i) value /= 10;
    return random() % 2 == 0 ? value : -value;
  };
  const auto scaled = [](std::int64_t value) {
    const auto text = fmt::format("{:04}", value < 0 ? -value : value);
    return fmt::format("{}{}.{}", value < 0 ? "-" : "", text.substr(0, text.size() - 3),
                       text.substr(text.size() - 3));
  };
  for (int i = 0; i < 50'000; ++i) {
    const auto a = number();
    const auto b = random() % 8 == 0 ? a : number();
    const auto first = of(scaled(a));
    const auto second = of(scaled(b));
    ASSERT_EQ(first + second, of(scaled(a + b))) << a << ' ' << b;
    ASSERT_EQ(first - second, of(scaled(a - b))) << a << ' ' << b;
    ASSERT_EQ(first <=> second, a <=> b) << a << ' ' << b;
    ASSERT_EQ(first == second, a == b);
    ASSERT_EQ((-first).magnitude(), first.magnitude());
    ASSERT_EQ(of(first.to_string()), first);
  }
}

TEST(Decimal, AddsNumbersOfAnyLength) {
  const std::string nines(60, '9');
  EXPECT_EQ((of(nines) + of("1")).to_string(), "1" + std::string(60, '0'));
  EXPECT_EQ((of("1" + std::string(60, '0')) - of("1")).to_string(), nines);
  EXPECT_EQ((of("1e30") + of("1e-30")).to_string(),
            "1" + std::string(30, '0') + "." + std::string(29, '0') + "1");
  // Doubles would say 0.30000000000000004.
  EXPECT_EQ(of("0.1") + of("0.2"), of("0.3"));
}

TEST(ColumnTotals, AreExactWhateverTheOrder) {
  std::vector<std::string> texts = {"0.1",
                                    "0.2",
                                    "-0.3",
                                    "1e-18",
                                    "1e-19",
                                    "17014118346046923173168",
                                    "17014118346046923173168",
                                    "99999999999999999999.5",
                                    "-1e40",
                                    "1e40",
                                    "5"};
  for (int i = 0; i < 40; ++i) texts.emplace_back("99999999999999999999.999999999999999999");
  std::mt19937 random(7);
  for (int i = 0; i < 20; ++i) {
    std::shuffle(texts.begin(), texts.end(), random);
    ColumnTotals one;
    ColumnTotals other;
    Decimal sum;
    for (std::size_t j = 0; j < texts.size(); ++j) {
      (j % 3 == 0 ? one : other).add(of(texts[j]));
      sum = sum + of(texts[j]);
    }
    one.add_null();
    other.add_null();
    other.add_other();
    one.add(other);
    EXPECT_EQ(one.sum(), sum);
    EXPECT_EQ(one.count(), 51);
    EXPECT_EQ(one.nulls(), 2);
    EXPECT_EQ(one.others(), 1);
    EXPECT_EQ(one.min(), of("-1e40"));
    EXPECT_EQ(one.max(), of("1e40"));
  }
  EXPECT_EQ(ColumnTotals().sum(), Decimal());
  EXPECT_FALSE(ColumnTotals().min());
}

TEST(ColumnTotals, SumMoreThanAnInt128) {
  ColumnTotals totals;
  for (int i = 0; i < 1000; ++i) totals.add(of("-99999999999999999999"));
  EXPECT_EQ(totals.sum(), of("-99999999999999999999000"));
}

}  // namespace
}  // namespace deltadrop
