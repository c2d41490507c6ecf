#include <gtest/gtest.h>

#include <string>

#include "xlsx/number_format.hpp"
#include "xlsx/serial_date.hpp"

namespace deltadrop::xlsx {
namespace {

struct FormatCase {
  std::string code;
  Shown shown;
};

TEST(NumberFormats, AreDatesTimesDurationsOrCodes) {
  const FormatCase cases[] = {
      {"General", Shown::as_stored},
      {"GENERAL", Shown::as_stored},
      {"0", Shown::as_stored},
      {"0.00", Shown::as_stored},
      {"#,##0.00", Shown::as_stored},
      {"0.00E+00", Shown::as_stored},
      {"##0.0e+0", Shown::as_stored},
      {"00.00", Shown::as_stored},
      {"00/00", Shown::as_stored},
      {"@", Shown::as_stored},
      {"", Shown::as_stored},
      {R"("day" 0)", Shown::as_stored},
      {R"(0\d)", Shown::as_stored},
      {R"(0_d)", Shown::as_stored},
      {R"(*d0)", Shown::as_stored},
      {"[Red]0.00", Shown::as_stored},
      {"[$-409]0", Shown::as_stored},
      {"[$USD-409]#,##0", Shown::as_stored},
      {"[Magenta]General", Shown::as_stored},
      {"yyyy-mm-dd", Shown::date},
      {"YYYY\\-MM\\-DD", Shown::date},
      {"[$-F800]dddd, mmmm dd, yyyy", Shown::date},
      {"dd/mm/yy;@", Shown::date},
      {"mmm", Shown::date},
      {"mm-yy", Shown::date},
      {"m", Shown::date},
      {"[$-411]ge.m.d", Shown::date},
      {"aaaa", Shown::date},
      {"yyyy-mm-dd hh:mm", Shown::date_time},
      {"d.m.yy h:mm AM/PM", Shown::date_time},
      {"h \"o'clock\" yyyy", Shown::date_time},
      {"h:mm", Shown::time},
      {"mm:ss", Shown::time},
      {"mm:ss.0", Shown::time},
      {"[$-F400]h:mm:ss\\ AM/PM", Shown::time},
      {"h A/P", Shown::time},
      {"hh:mm:ss.000", Shown::time},
      {"[h]:mm:ss", Shown::duration},
      {"[mm]:ss", Shown::duration},
      {"[SS]", Shown::duration},
      {"00000", Shown::code},
      {"00000\\-0000", Shown::code},
      {"\"ID\"0000", Shown::code},
      {"[$-409]000", Shown::code},
      {"h:mm d", Shown::date_time},
      {"\"unclosed", Shown::as_stored},
      {"[unclosed", Shown::as_stored},
      {"\\", Shown::as_stored},
  };
  for (const auto& [code, shown] : cases) {
    EXPECT_EQ(NumberFormat::parse(code).section_for(1).shown, shown) << code;
  }
}

TEST(NumberFormats, OfExcelItselfNeedNoCode) {
  const auto shown = [](std::uint32_t id) { return NumberFormat::built_in(id).section_for(1).shown; };
  for (const std::uint32_t id : {0, 1, 2, 4, 9, 10, 11, 12, 13, 23, 37, 44, 48, 49, 59}) {
    EXPECT_EQ(shown(id), Shown::as_stored) << id;
  }
  for (const std::uint32_t id : {14, 15, 16, 17, 27, 31, 36, 50, 54, 57, 58})
    EXPECT_EQ(shown(id), Shown::date) << id;
  for (const std::uint32_t id : {18, 19, 20, 21, 32, 33, 45, 47}) EXPECT_EQ(shown(id), Shown::time) << id;
  EXPECT_EQ(shown(22), Shown::date_time);
  EXPECT_EQ(shown(46), Shown::duration);
  for (const std::uint32_t id : {34, 35, 55, 56}) EXPECT_EQ(shown(id), Shown::date_or_time) << id;
}

TEST(NumberFormats, HaveASectionForEachSign) {
  const auto format = NumberFormat::parse("0.0;yyyy;hh;@");
  EXPECT_EQ(format.section_for(1).shown, Shown::as_stored);
  EXPECT_EQ(format.section_for(-1).shown, Shown::date);
  EXPECT_EQ(format.section_for(0).shown, Shown::time);
  const auto two = NumberFormat::parse("yyyy;0");
  EXPECT_EQ(two.section_for(0).shown, Shown::date);
  EXPECT_EQ(two.section_for(-1).shown, Shown::as_stored);
  const auto conditions = NumberFormat::parse("[<1]h:mm;[>=100]0;yyyy");
  EXPECT_EQ(conditions.section_for(0.5).shown, Shown::time);
  EXPECT_EQ(conditions.section_for(100).shown, Shown::as_stored);
  EXPECT_EQ(conditions.section_for(50).shown, Shown::date);
}

TEST(NumberFormats, ShowCodes) {
  const auto show = [](const char* code, double value) {
    return NumberFormat::parse(code).show_code(value).value_or("as stored");
  };
  EXPECT_EQ(show("00000", 123), "00123");
  EXPECT_EQ(show("00000", 0), "00000");
  EXPECT_EQ(show("00000", 1234567), "1234567");
  EXPECT_EQ(show("00000", -12), "-00012");
  EXPECT_EQ(show("00000;(0000)", -12), "(0012)");
  EXPECT_EQ(show("00000-0000", 123456789), "12345-6789");
  EXPECT_EQ(show("000\\-00\\-0000", 78051120), "078-05-1120");
  EXPECT_EQ(show("\"ID \"0000", 7), "ID 0007");
  EXPECT_EQ(show("00000", 1.5), "as stored");
  EXPECT_EQ(show("00000", 1e300), "as stored");
}

struct DateCase {
  double serial;
  Shown shown;
  DateSystem system;
  std::string expected;
};

TEST(SerialDates, AreIso) {
  using enum Shown;
  constexpr auto k1900 = DateSystem::from_1900;
  constexpr auto k1904 = DateSystem::from_1904;
  const DateCase cases[] = {
      {1, date, k1900, "1900-01-01"},
      {59, date, k1900, "1900-02-28"},
      {60, date, k1900, "none"},
      {61, date, k1900, "1900-03-01"},
      {0, date, k1900, "none"},
      {0.5, time, k1900, "12:00:00"},
      {0.5, date_time, k1900, "none"},
      {-1, date, k1900, "none"},
      {36526, date, k1900, "2000-01-01"},
      {45351, date, k1900, "2024-02-29"},
      {45351.75, date, k1900, "2024-02-29"},
      {45351.75, date_time, k1900, "2024-02-29T18:00:00"},
      {45351.75, time, k1900, "18:00:00"},
      {45351, date_time, k1900, "2024-02-29T00:00:00"},
      {45351.999999999996, date_time, k1900, "2024-03-01T00:00:00"},
      {45351.123456, date_time, k1900, "2024-02-29T02:57:46.598"},
      {0.1 + 0.2, time, k1900, "07:12:00"},
      {2958465, date, k1900, "9999-12-31"},
      {2958466, date, k1900, "none"},
      {1e300, date, k1900, "none"},
      {0, date, k1904, "1904-01-01"},
      {1, date, k1904, "1904-01-02"},
      {60, date, k1904, "1904-03-01"},
      {43889, date, k1904, "2024-02-29"},
      {2957003, date, k1904, "9999-12-31"},
      {2957004, date, k1904, "none"},
      {1.5, duration, k1900, "36:00:00"},
      {-0.5, duration, k1900, "-12:00:00"},
      {0.25 / 86400, duration, k1900, "00:00:00.250"},
      {0.25, date_or_time, k1900, "06:00:00"},
      {45351.25, date_or_time, k1900, "2024-02-29"},
  };
  for (const auto& [serial, shown, system, expected] : cases) {
    EXPECT_EQ(serial_to_iso(serial, shown, system).value_or("none"), expected)
        << serial << " " << static_cast<int>(shown) << " " << static_cast<int>(system);
  }
}

TEST(SerialDates, ThatAreTextKeepWhatTheirStyleShows) {
  EXPECT_EQ(shown_part_of_iso("2024-02-29T10:30:00", Shown::date), "2024-02-29");
  EXPECT_EQ(shown_part_of_iso("2024-02-29T10:30:00", Shown::date_time), "2024-02-29T10:30:00");
  EXPECT_EQ(shown_part_of_iso("2024-02-29T10:30:00", Shown::time), "10:30:00");
  EXPECT_EQ(shown_part_of_iso("2024-02-29T10:30:00.500Z", Shown::date_time), "2024-02-29T10:30:00.5");
  EXPECT_EQ(shown_part_of_iso("2024-02-29T10:30:00.000", Shown::time), "10:30:00");
  EXPECT_EQ(shown_part_of_iso("2024-02-29T10:30:00+01:00", Shown::date_time), "2024-02-29T10:30:00+01:00");
  EXPECT_EQ(shown_part_of_iso("PT36H", Shown::duration), "PT36H");
  EXPECT_EQ(shown_part_of_iso("soon", Shown::date), "soon");
}

}  // namespace
}  // namespace deltadrop::xlsx
