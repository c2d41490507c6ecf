#include "core/typed_value.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <random>
#include <string>
#include <vector>

namespace deltadrop {
namespace {

using enum ColumnType;

/// A number as its text would be with `scale` digits behind the point.
std::string as_text(Int128 number, int scale) {
  const bool negative = number < 0;
  std::string digits;
  for (Int128 rest = negative ? -number : number; rest != 0; rest /= 10) {
    digits.insert(digits.begin(), static_cast<char>('0' + static_cast<int>(rest % 10)));
  }
  const auto behind = static_cast<std::size_t>(scale);
  if (digits.size() <= behind) digits.insert(0, behind + 1 - digits.size(), '0');
  if (scale > 0) digits.insert(digits.size() - behind, ".");
  return (negative ? "-" : "") + digits;
}

struct Case {
  std::string text;
  ColumnType type;
  std::string number;  ///< of TypedValue, in decimal; of strings nothing
};

class TypedValues : public ::testing::TestWithParam<Case> {};

TEST_P(TypedValues, AreFound) {
  const auto& [text, type, number] = GetParam();
  const auto value = typed_value(text);
  EXPECT_EQ(to_string(value.type), to_string(type)) << text;
  if (type != string) {
    EXPECT_EQ(as_text(value.number, 0), number) << text;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Numbers, TypedValues,
    ::testing::Values(
        Case{"0", int64, "0"}, Case{"7", int64, "7"}, Case{"-7", int64, "-7"}, Case{"-0", int64, "0"},
        Case{"9223372036854775807", int64, "9223372036854775807"},
        Case{"-9223372036854775808", int64, "-9223372036854775808"}, Case{"9223372036854775808", string, ""},
        Case{"-9223372036854775809", string, ""}, Case{"9999999999999999999", string, ""},
        Case{"12345678901234567890123", string, ""}, Case{"1.5", decimal2, "150"},
        Case{"1.10", decimal2, "110"}, Case{"-0.00", decimal2, "0"}, Case{"0.1", decimal2, "10"},
        Case{"-12.345", decimal4, "-123450"}, Case{"1.00000", decimal6, "1000000"},
        Case{"1.1234567", decimal9, "1123456700"}, Case{"1.1234567891", decimal12, "1123456789100"},
        Case{"1.1234567891234", decimal18, "1123456789123400000"},
        Case{"12345678901234567890.123456789012345678", decimal18, "12345678901234567890123456789012345678"},
        Case{"-99999999999999999999.99", decimal2, "-9999999999999999999999"},
        Case{"123456789012345678901.5", string, ""}, Case{"1.1234567890123456789", string, ""}));

INSTANTIATE_TEST_SUITE_P(
    NumbersWithAnExponent, TypedValues,
    ::testing::Values(Case{"9.1e-05", decimal6, "91"}, Case{"-9.10e-05", decimal6, "-91"},
                      Case{"1E5", decimal2, "10000000"}, Case{"1.5e3", decimal2, "150000"},
                      Case{"1.5E+3", decimal2, "150000"}, Case{"0e0", decimal2, "0"},
                      Case{"0.00e-9", decimal2, "0"}, Case{"1e-18", decimal18, "1"},
                      Case{"1.25e19", decimal2, "1250000000000000000000"},
                      Case{"1.2345e2", decimal2, "12345"}, Case{"12345e-3", decimal4, "123450"}));

INSTANTIATE_TEST_SUITE_P(
    Others, TypedValues,
    ::testing::Values(Case{"true", boolean, "1"}, Case{"false", boolean, "0"}, Case{"1970-01-01", date, "0"},
                      Case{"1969-12-31", date, "-1"}, Case{"0001-01-01", date, "-719162"},
                      Case{"9999-12-31", date, "2932896"}, Case{"2024-02-29", date, "19782"},
                      Case{"2000-02-29", date, "11016"}, Case{"1970-01-01T00:00:00Z", timestamp, "0"},
                      Case{"1970-01-01 00:00:00", timestamp, "0"},
                      Case{"1970-01-01T00:00:00.5Z", timestamp, "500000"},
                      Case{"1969-12-31T23:59:59.999999Z", timestamp, "-1"},
                      Case{"2025-03-10T12:34:56.789012+02:00", timestamp, "1741602896789012"},
                      Case{"2025-03-10 12:34:56-05", timestamp, "1741628096000000"},
                      Case{"2025-03-10 12:34:56.1", timestamp, "1741610096100000"},
                      Case{"1970-01-01T15:59:00+15:59", timestamp, "0"},
                      Case{"1969-12-31T12:00:00-12", timestamp, "0"},
                      Case{"0001-01-01T00:00:00Z", timestamp, "-62135596800000000"},
                      Case{"9999-12-31T23:59:59.999999Z", timestamp, "253402300799999999"}));

TEST(TypedValue, IsTextWhereAnotherTypeWouldChangeIt) {
  for (const std::string text : {"",
                                 " ",
                                 "-",
                                 "--1",
                                 "007",
                                 "-07",
                                 "00",
                                 "01.5",
                                 "00.5",
                                 "+1",
                                 "1E",
                                 "1e+",
                                 "1e5.0",
                                 "1.e5",
                                 ".5e1",
                                 "e5",
                                 "007e1",
                                 "1e20",
                                 "1e-19",
                                 "1e999999999999999999999",
                                 "12E5X",
                                 ".5",
                                 "-.5",
                                 "1.",
                                 "-1.",
                                 "1.5.2",
                                 "1,000",
                                 "1_000",
                                 " 1",
                                 "1 ",
                                 "0x10",
                                 "NaN",
                                 "inf",
                                 "-inf",
                                 "1-2",
                                 "12%",
                                 "$5",
                                 "\xE2\x88\x92"
                                 "1",
                                 "\xD9\xA1",
                                 "True",
                                 "TRUE",
                                 "yes",
                                 "t",
                                 "truee",
                                 "fals",
                                 "null",
                                 "abc"}) {
    EXPECT_EQ(typed_value(text).type, string) << text;
  }
  for (const std::string text : {"2023-02-29",
                                 "1900-02-29",
                                 "2024-13-01",
                                 "2024-00-10",
                                 "2024-01-00",
                                 "2024-04-31",
                                 "0000-01-01",
                                 "2024-1-01",
                                 "2024/01/01",
                                 "24-01-01",
                                 "20240101T000000Z",
                                 "2024-01-01T",
                                 "2024-01-01T10:00",
                                 "2024-01-01T10:00Z",
                                 "2024-01-01T24:00:00Z",
                                 "2024-01-01T23:60:00Z",
                                 "2024-01-01T23:59:60Z",
                                 "2024-01-01t10:00:00Z",
                                 "2024-01-01T10:00:00z",
                                 "2024-01-01T10:00:00.Z",
                                 "2024-01-01T10:00:00.1234567Z",
                                 "2024-01-01T10:00:00 Z",
                                 "2024-01-01T10:00:00+2",
                                 "2024-01-01T10:00:00+0200",
                                 "2024-01-01T10:00:00+24:00",
                                 "2024-01-01T10:00:00+02:60",
                                 "2024-01-01T10:00:00+02-00",
                                 "2024-01-01T10:00:00UTC",
                                 "0001-01-01T00:00:00+00:01",
                                 "9999-12-31T23:59:59-00:01",
                                 "2024-01-01T00:00:00+16:00",
                                 "2024-01-01T00:00:00-23",
                                 "2024-01-01T00:00:00+02:60",
                                 "-2024-01-01",
                                 "12024-01-01"}) {
    EXPECT_EQ(typed_value(text).type, string) << text;
  }
}

/// Texts of every type and of none, near to their borders.
class Texts {
 public:
  explicit Texts(std::uint32_t seed) : random_(seed) {}

  std::string next() {
    switch (below(6)) {
      case 0:
        return sign() + digits(1 + below(20));
      case 1:
        return sign() + digits(1 + below(21)) + "." + digits(1 + below(19));
      case 2:
        return day();
      case 3:
        return fmt::format("{}{}{:02}:{:02}:{:02}{}{}", day(), below(2) == 0 ? 'T' : ' ', below(25),
                           below(61), below(61), below(2) == 0 ? "" : "." + digits(1 + below(7)),
                           std::vector<std::string>{"", "Z", "+02:00", "-11", "+0100"}[below(5)]);
      case 4:
        return below(2) == 0 ? "true" : "false";
      default:
        return std::string(1, static_cast<char>(' ' + below(90))) + digits(below(3));
    }
  }

 private:
  std::size_t below(std::size_t bound) { return random_() % bound; }
  std::string sign() { return below(4) == 0 ? "-" : ""; }
  std::string day() { return fmt::format("{:04}-{:02}-{:02}", below(10000), below(14), below(33)); }
  std::string digits(std::size_t count) {
    std::string text;
    while (text.size() < count) text += static_cast<char>('0' + below(10));
    return text;
  }

  std::mt19937 random_;
};

/// The number that `text` says, with `scale` digits behind its point.
std::string rescaled(std::string text, int scale) {
  const auto point = text.find('.');
  const auto behind = point == std::string::npos ? 0 : text.size() - point - 1;
  if (point == std::string::npos && scale > 0) text += '.';
  text.append(static_cast<std::size_t>(scale) - behind, '0');
  const bool zero = text.find_first_of("123456789") == std::string::npos;
  return zero && text.front() == '-' ? text.substr(1) : text;
}

/// What `number`, of type `type`, says as the text of such a value.
std::string said(Int128 number, ColumnType type, const std::string& text) {
  if (type == boolean) return number == 1 ? "true" : "false";
  if (type == int64) return as_text(number, 0);
  if (const auto scale = scale_of(type)) return as_text(number, *scale);
  namespace chrono = std::chrono;
  const auto micros = type == date ? chrono::microseconds(chrono::days(static_cast<int>(number)))
                                   : chrono::microseconds(static_cast<std::int64_t>(number));
  const chrono::sys_time<chrono::microseconds> at{micros};
  const auto days = chrono::floor<chrono::days>(at);
  const chrono::year_month_day ymd{days};
  auto out = fmt::format("{:04}-{:02}-{:02}", static_cast<int>(ymd.year()),
                         static_cast<unsigned>(ymd.month()), static_cast<unsigned>(ymd.day()));
  if (type == date) return out;
  const chrono::hh_mm_ss time{at - days};
  out += fmt::format("{}{:02}:{:02}:{:02}", text[10], time.hours().count(), time.minutes().count(),
                     time.seconds().count());
  const auto fraction = fmt::format(".{:06}", time.subseconds().count());
  const auto digits = text.size() > 19 && text[19] == '.' ? text.find_first_not_of("0123456789", 20) : 19;
  return out + fraction.substr(0, std::min(digits, text.size()) - 19);
}

TEST(TypedValue, GivesItsTextsValueBackInEveryWiderType) {
  const std::uint32_t seed = std::random_device{}();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  Texts texts(seed);
  std::vector<int> found(13);
  for (int i = 0; i < 200'000; ++i) {
    const auto text = texts.next();
    const auto value = typed_value(text);
    ++found[static_cast<std::size_t>(value.type)];
    if (value.type == string) continue;
    // An offset moves the wall clock; those cases are in the tables above.
    if (value.type == timestamp && text.find_first_of("+-", 19) != std::string::npos) continue;
    for (const auto type : kDeclarableTypes) {
      if (type == string || joined(value.type, type) != type) continue;
      const bool number = type == int64 || scale_of(type);
      const auto wanted =
          number ? rescaled(text, scale_of(type).value_or(0)) : text.substr(0, text.find('Z'));
      ASSERT_EQ(said(converted(value.number, value.type, type), type, text), wanted)
          << text << " as " << to_string(type);
    }
  }
  for (const auto type : kDeclarableTypes) {
    EXPECT_GT(found[static_cast<std::size_t>(type)], 100) << "few texts were " << to_string(type);
  }
}

TEST(TypedValue, TypesDoNotDependOnTheOrderOfValues) {
  const std::uint32_t seed = std::random_device{}();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  Texts texts(seed);
  std::mt19937 random(seed);
  for (int i = 0; i < 20'000; ++i) {
    std::vector<ColumnType> types(1 + random() % 5);
    for (auto& type : types) type = typed_value(texts.next()).type;
    const auto of = [](const std::vector<ColumnType>& each) {
      auto type = null;
      for (const auto one : each) type = joined(type, one);
      return type;
    };
    const auto type = of(types);
    std::shuffle(types.begin(), types.end(), random);
    ASSERT_EQ(of(types), type);
    types.insert(types.end(), types.begin(), types.end());
    ASSERT_EQ(of(types), type);
  }
}

}  // namespace
}  // namespace deltadrop
