#include "lake/views.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace deltadrop::lake {
namespace {

const TableRef kTable{"so-financials", "financials"};

std::string postgres(const std::vector<history::LakeColumn>& columns) {
  return views_of(Dialect::postgres, kTable, columns);
}

bool has(const std::string& sql, std::string_view part) { return sql.find(part) != std::string::npos; }

TEST(Views, CastToTheTypesOfTheLake) {
  const auto sql = postgres({{"i", ColumnType::int64},
                             {"d", ColumnType::decimal4},
                             {"t", ColumnType::timestamp},
                             {"s", ColumnType::string},
                             {"n", ColumnType::null}});
  EXPECT_TRUE(has(sql, "(d.data->>'i')::bigint AS \"i\"")) << sql;
  EXPECT_TRUE(has(sql, "(d.data->>'d')::numeric(38,4) AS \"d\"")) << sql;
  EXPECT_TRUE(has(sql, "::timestamptz AS \"t\"")) << sql;
  EXPECT_TRUE(has(sql, "  (d.data->>'s') AS \"s\"")) << sql;
  EXPECT_TRUE(has(sql, "  (d.data->>'n') AS \"n\"")) << "a column without a value is text";
  EXPECT_TRUE(has(sql, "(e.old_values->>'i')::bigint AS \"old_i\"")) << sql;
}

TEST(Views, QuoteWhatAUserNamed) {
  const auto sql =
      postgres({{"x'); DROP TABLE uploads; --", ColumnType::string}, {"a\"b", ColumnType::string}});
  EXPECT_TRUE(has(sql, "(d.data->>'x''); DROP TABLE uploads; --') AS \"x'); DROP TABLE uploads; --\""))
      << sql;
  EXPECT_TRUE(has(sql, "(d.data->>'a\"b') AS \"a\"\"b\"")) << sql;
  const auto sqlite =
      views_of(Dialect::sqlite, kTable, std::vector<history::LakeColumn>{{"a\"b", ColumnType::int64}});
  EXPECT_TRUE(has(sqlite, "json_each(d.data)")) << sqlite;
}

TEST(Views, GiveWayToTheTablesOwnNames) {
  const auto sql = postgres({{"Version", ColumnType::string}, {"_version", ColumnType::string}});
  EXPECT_TRUE(has(sql, "u.version AS \"__version\"")) << sql;
  EXPECT_TRUE(has(sql, "d.record_key AS \"record_key\"")) << sql;
}

TEST(Views, KeepNamesApartThatADatabaseWouldCutOrFold) {
  const std::string euros = std::string(61, 'n') + "\xE2\x82\xAC";
  const auto sql = postgres({{euros + "1", ColumnType::string}, {euros + "2", ColumnType::string}});
  EXPECT_TRUE(has(sql, fmt::format("AS \"{}~", std::string(54, 'n')))) << sql;
  const auto folded =
      views_of(Dialect::sqlite, kTable,
               std::vector<history::LakeColumn>{{"A", ColumnType::string}, {"a", ColumnType::string}});
  EXPECT_TRUE(has(folded, "AS \"A\"") && has(folded, "AS \"a~2\"")) << folded;
  const TableRef longest{std::string(128, 'c'), std::string(128, 't')};
  const auto long_sql =
      views_of(Dialect::postgres, longest, std::vector<history::LakeColumn>{{"a", ColumnType::string}});
  const auto name = long_sql.substr(long_sql.find("DROP VIEW IF EXISTS \"") + 21, 63);
  EXPECT_EQ(std::count(name.begin(), name.end(), '"'), 0) << "63 bytes, and no more";
  EXPECT_TRUE(has(long_sql, name + "\";"));
}

TEST(Views, ReadValuesAsTheirUploadDeclares) {
  const std::vector<history::LakeColumn> columns = {{"a", ColumnType::decimal4},
                                                    {"d", ColumnType::date},
                                                    {"p", ColumnType::decimal4},
                                                    {"s", ColumnType::string}};
  std::vector<history::UploadStatus> uploads(2);
  uploads[0].facts.types_json =
      R"-({"a":"decimal(2, ',')","d":"date(DD.MM.YYYY)","p":"decimal(4, '.', percent)","s":"date(DD.MM.YYYY)"})-";
  uploads[1].facts.types_json = R"-({"a":"decimal(2, '.', currency '$')","d":"date"})-";
  const auto notations = notations_of(uploads);
  const auto sql = views_of(Dialect::postgres, kTable, columns, notations);
  EXPECT_TRUE(has(sql, "CASE (u.types->>'a') WHEN 'decimal(2, '','')' THEN (CASE WHEN (d.data->>'a') ~"))
      << sql;
  EXPECT_TRUE(
      has(sql, "WHEN 'decimal(2, ''.'', currency ''$'')' THEN (CASE WHEN replace((d.data->>'a'), '$', '') ~"))
      << sql;
  EXPECT_TRUE(has(sql, "ELSE (d.data->>'a')::numeric(38,4) END AS \"a\"")) << sql;
  EXPECT_TRUE(
      has(sql, "THEN to_date((d.data->>'d'), 'DD\".\"MM\".\"YYYY') ELSE (d.data->>'d')::date END AS \"d\""))
      << sql;
  EXPECT_TRUE(has(sql, "::numeric * 0.01)::numeric(38,4)")) << sql;
  EXPECT_TRUE(has(sql, "  (d.data->>'s') AS \"s\"")) << "a column of text is text";
  EXPECT_TRUE(has(sql, "CASE coalesce((p.types->>'a'), (u.types->>'a')) WHEN")) << sql;
  EXPECT_TRUE(has(sql, "LEFT JOIN uploads p ON p.upload_id = u.previous_upload_id")) << sql;
  EXPECT_FALSE(has(postgres(columns), "LEFT JOIN")) << "nothing is declared";
  EXPECT_TRUE(has(views_of(Dialect::sqlite, kTable, columns, notations),
                  "CASE json_extract(u.types, '$.\"d\"') WHEN 'date(DD.MM.YYYY)' THEN CASE WHEN"));
}

TEST(Views, SayWhatASelectCannotTake) {
  std::vector<history::LakeColumn> columns;
  for (int i = 0; i < 2'000; ++i) columns.push_back({fmt::format("c{:04}", i), ColumnType::int64});
  const auto sql = postgres(columns);
  EXPECT_TRUE(has(sql, "-- left out, since a SELECT takes no more: 405 columns"));
  EXPECT_TRUE(has(sql, "AS \"c1594\"")) << "1,600 with the five of ours";
  EXPECT_FALSE(has(sql, "AS \"c1595\""));
}

}  // namespace
}  // namespace deltadrop::lake
