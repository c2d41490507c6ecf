#include "io/point_in_time.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace deltadrop::io {
namespace {

TimeZone zone_of(const std::string& name) { return TimeZone::find(name).value(); }

struct Day {
  std::string zone;
  std::string date;
  std::string start;
  std::string end;
};

TEST(PointInTime, ADateIsADayOfItsZone) {
  const std::vector<Day> days = {
      {"UTC", "2025-03-31", "2025-03-31T00:00:00.000Z", "2025-03-31T23:59:59.999Z"},
      {"Europe/Zurich", "2025-03-31", "2025-03-30T22:00:00.000Z", "2025-03-31T21:59:59.999Z"},
      {"America/New_York", "2025-03-31", "2025-03-31T04:00:00.000Z", "2025-04-01T03:59:59.999Z"},
      {"Asia/Kathmandu", "2024-02-29", "2024-02-28T18:15:00.000Z", "2024-02-29T18:14:59.999Z"},
      // 23 and 25 hours
      {"Europe/Zurich", "2025-03-30", "2025-03-29T23:00:00.000Z", "2025-03-30T21:59:59.999Z"},
      {"Europe/Zurich", "2025-10-26", "2025-10-25T22:00:00.000Z", "2025-10-26T22:59:59.999Z"},
      // The next midnight does not exist: clocks go from 00:00 to 01:00.
      {"America/Sao_Paulo", "2018-11-03", "2018-11-03T03:00:00.000Z", "2018-11-04T02:59:59.999Z"},
      {"America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00.000Z", "2018-11-05T01:59:59.999Z"},
      {"Asia/Beirut", "2022-03-27", "2022-03-26T22:00:00.000Z", "2022-03-27T20:59:59.999Z"},
      // Clocks go from 23:30 to 00:30.
      {"America/Toronto", "1919-03-30", "1919-03-30T05:00:00.000Z", "1919-03-31T04:29:59.999Z"},
      {"America/Toronto", "1919-03-31", "1919-03-31T04:30:00.000Z", "1919-04-01T03:59:59.999Z"},
      // Clocks go from 24:00 back to 23:00.
      {"America/Sao_Paulo", "2018-02-17", "2018-02-17T02:00:00.000Z", "2018-02-18T02:59:59.999Z"},
      // Midnight occurs twice, on the same day: clocks go from 01:00 back to 00:00.
      {"America/Havana", "2024-11-02", "2024-11-02T04:00:00.000Z", "2024-11-03T03:59:59.999Z"},
      {"America/Havana", "2024-11-03", "2024-11-03T04:00:00.000Z", "2024-11-04T04:59:59.999Z"},
      // Midnight occurs twice, and the day before goes on between: clocks go from 00:01 back to 23:01.
      {"America/St_Johns", "2006-10-28", "2006-10-28T02:30:00.000Z", "2006-10-29T03:29:59.999Z"},
      {"America/St_Johns", "2006-10-29", "2006-10-29T02:30:00.000Z", "2006-10-30T03:29:59.999Z"},
      // Samoa skipped 30 December.
      {"Pacific/Apia", "2011-12-29", "2011-12-29T10:00:00.000Z", "2011-12-30T09:59:59.999Z"},
      {"Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00.000Z", "2011-12-30T09:59:59.999Z"},
      {"Pacific/Apia", "2011-12-31", "2011-12-30T10:00:00.000Z", "2011-12-31T09:59:59.999Z"},
      // After the last change that the database lists, its rule applies.
      {"Europe/Zurich", "2050-07-01", "2050-06-30T22:00:00.000Z", "2050-07-01T21:59:59.999Z"},
      // Not beyond the years that a time can have.
      {"America/New_York", "9999-12-31", "9999-12-31T05:00:00.000Z", "9999-12-31T23:59:59.999Z"},
      {"Asia/Tokyo", "0000-01-01", "0000-01-01T00:00:00.000Z", "0000-01-01T14:41:00.999Z"},
  };
  for (const auto& day : days) {
    const auto zone = zone_of(day.zone);
    const auto start = parse_point_in_time(day.date, BareDate::start_of_day, zone);
    const auto end = parse_point_in_time(day.date, BareDate::end_of_day, zone);
    ASSERT_TRUE(start.has_value() && end.has_value()) << day.date;
    EXPECT_EQ(start.value().to_string(), day.start) << day.zone << " " << day.date;
    EXPECT_EQ(end.value().to_string(), day.end) << day.zone << " " << day.date;
  }
}

TEST(PointInTime, ATimeWithAZoneIsThatTime) {
  const auto zone = zone_of("Asia/Tokyo");
  for (const std::string text :
       {"2025-03-31T12:00:00Z", "2025-03-31 14:00:00+02:00", "2025-03-31t06:30:00.0-05:30"}) {
    EXPECT_EQ(parse_point_in_time(text, BareDate::end_of_day, zone).value().to_string(),
              "2025-03-31T12:00:00.000Z")
        << text;
  }
}

TEST(PointInTime, ATimeWithoutAZoneIsRefused) {
  for (const std::string text : {"2025-03-31T12:00:00", "2025-03-31 12:00:00", "2025-03-31T12:00"}) {
    const auto parsed = parse_point_in_time(text, BareDate::end_of_day, zone_of("Europe/Zurich"));
    ASSERT_FALSE(parsed.has_value()) << text;
    EXPECT_EQ(parsed.error().message, "\"" + text + "\" has no time zone");
    EXPECT_NE(parsed.error().fix.find("12:00:00Z for UTC, or add the offset: "), std::string::npos)
        << parsed.error().fix;
    EXPECT_TRUE(parsed.error().fix.ends_with("12:00:00+01:00")) << parsed.error().fix;
  }
}

TEST(PointInTime, OtherTextsAreNotTimes) {
  for (const std::string text : {"", "yesterday", "2025-02-29", "2025-3-31", "2025-03-31T", "2025-03-31Z",
                                 "2025-03-31T25:00:00", "2025-03-31T12", "2025-03-31T12:00:00 CET"}) {
    const auto parsed = parse_point_in_time(text, BareDate::end_of_day, {});
    ASSERT_FALSE(parsed.has_value()) << text;
    EXPECT_NE(parsed.error().message.find("is not a date and time"), std::string::npos)
        << parsed.error().message;
  }
}

TEST(TimeZone, IsOfTheDatabase) {
  EXPECT_EQ(TimeZone::find("UTC").value(), TimeZone());
  for (const std::string name : {"Europe/Zurich", "Etc/GMT+5", "America/Argentina/Buenos_Aires", "EST5EDT"}) {
    EXPECT_EQ(zone_of(name).name(), name);
  }
  for (const std::string name :
       {"", "Europe", "Europe/Zuerich", "europe/zurich", "CEST", "localtime", "posixrules", "right/UTC",
        "+01:00", "Fixed/UTC+01:00:00", "libc:localtime", "file:Europe/Zurich",
        "/usr/share/zoneinfo/Europe/Zurich", "Europe/../Europe/Zurich"}) {
    EXPECT_FALSE(TimeZone::find(name).has_value()) << name;
  }
}

}  // namespace
}  // namespace deltadrop::io
