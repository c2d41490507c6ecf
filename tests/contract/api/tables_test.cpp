#include "api_fixture.hpp"

namespace deltadrop::api {
namespace {

TEST_F(Api, ListsTablesByPages) {
  for (const std::string company : {"acme", "beta", "zeta"}) {
    auto record = version(1);
    record.table.company_id = company;
    add(record);
  }
  const auto first = get("/api/v1/tables?limit=2");
  EXPECT_TRUE(has(
      first, R"({"tables":[{"company_id":"acme","table_name":"financials","key_column":"id","versions":1)"));
  const auto second = get("/api/v1/tables?limit=2&cursor=" + next_cursor(first));
  EXPECT_TRUE(has(second, R"({"tables":[{"company_id":"zeta")"));
  EXPECT_TRUE(has(second, R"("next_cursor":null)"));
  EXPECT_TRUE(has(get("/api/v1/tables/beta/financials"), R"({"company_id":"beta")"));
  EXPECT_EQ(get("/api/v1/tables/nobody/financials").status, 404);
  EXPECT_EQ(get("/api/v1/tables/no%20body/financials").status, 404);
}

TEST_F(Api, ListsTheTablesOfACompany) {
  for (const auto& [company, table] :
       {std::pair("acme", "zz"), {"beta", "a"}, {"beta", "b"}, {"beta2", "a"}}) {
    auto record = version(1);
    record.table = {company, table};
    add(record);
  }
  const auto first = get("/api/v1/tables?company=beta&limit=1");
  EXPECT_TRUE(has(first, R"({"tables":[{"company_id":"beta","table_name":"a")"));
  const auto cursor = next_cursor(first);
  const auto second = get("/api/v1/tables?company=beta&limit=1&cursor=" + cursor);
  EXPECT_TRUE(has(second, R"({"tables":[{"company_id":"beta","table_name":"b")"));
  EXPECT_TRUE(has(second, R"("next_cursor":null)")) << "the next table is another company's";
  EXPECT_EQ(get("/api/v1/tables?company=bet").body, R"({"tables":[],"next_cursor":null})");
  EXPECT_EQ(get("/api/v1/tables?company=BETA").body, R"({"tables":[],"next_cursor":null})");
  EXPECT_EQ(get("/api/v1/tables?company=acme&cursor=" + cursor).status, 404) << "of another company's list";
  EXPECT_EQ(get("/api/v1/tables?company=no%20body").status, 422);
}

TEST_F(Api, ATableHasItsColumnsInTheLakeBesideWhatIsDeclared) {
  auto record = version(1);
  record.reading.types_json = R"({"amount":"date","code":"string"})";
  add(record);
  const std::string with_lake = "/api/v1/tables/acme/financials?lake=true";
  EXPECT_TRUE(has(get(with_lake), R"-("lake_columns":[]})-")) << "none is there yet";
  history.columns = {
      {"amount", ColumnType::decimal2}, {"code", ColumnType::string}, {"empty", ColumnType::null}};
  EXPECT_TRUE(has(get(with_lake),
                  R"-("lake_columns":[{"name":"amount","type":"decimal(2)","declared":"date"},)-"
                  R"-({"name":"code","type":"string","declared":"string"},)-"
                  R"-({"name":"empty","type":"string","declared":null}]})-"));
  for (const auto code : {ErrorCode::unavailable, ErrorCode::timed_out}) {
    history.down = Error{code, "database-down", "no answer", ""};
    const auto without = get(with_lake);
    EXPECT_EQ(without.status, 200);
    EXPECT_TRUE(has(without, R"-("lake_columns":null})-"));
  }
  history.down = Error{ErrorCode::corrupt, "bad-row", "a column has no type", "restore it"};
  EXPECT_EQ(get(with_lake).status, 500) << "one that answers wrongly is no absent one";
}

TEST_F(Api, ATableDoesNotAskTheHistoryUnlessItsLakeIsWanted) {
  add(version(1));
  history.down = Error{ErrorCode::corrupt, "bad-row", "a column has no type", "restore it"};
  for (const std::string query : {"", "?lake=false"}) {
    const auto table = get("/api/v1/tables/acme/financials" + query);
    EXPECT_EQ(table.status, 200) << query;
    EXPECT_EQ(table.body.find("lake_columns"), std::string::npos) << table.body;
  }
  EXPECT_EQ(get("/api/v1/tables/acme/financials?lake=maybe").status, 422);
}

TEST_F(Api, ATableSaysWhenItChanged) {
  add(version(1));
  add(version(2, 0));
  EXPECT_TRUE(has(get("/api/v1/tables/acme/financials"),
                  R"("versions":2,"rows":0,"changed_at":"2025-01-01T00:00:00.000Z","last_upload":{)"));
}

}  // namespace
}  // namespace deltadrop::api
