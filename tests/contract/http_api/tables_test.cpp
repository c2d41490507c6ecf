#include "api_fixture.hpp"
#include "io/file.hpp"
#include "support/temporary_folder.hpp"

namespace deltadrop::http {
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

TEST_F(Api, ListsVersionsByPages) {
  for (int i = 1; i <= 3; ++i) add(version(i));
  const auto first = get("/api/v1/tables/acme/financials/versions?limit=2");
  EXPECT_TRUE(has(first, R"("version":2)"));
  EXPECT_FALSE(has(first, R"("version":3)"));
  const auto second = get("/api/v1/tables/acme/financials/versions?limit=2&cursor=" + next_cursor(first));
  EXPECT_TRUE(has(second, R"("version":3)"));
  EXPECT_TRUE(has(second, R"("next_cursor":null)"));
  EXPECT_EQ(get("/api/v1/tables/nobody/financials/versions").status, 404);
}

TEST_F(Api, StreamsTheArchivedFile) {
  const deltadrop::testing::TemporaryFolder folder;
  ingest.archived = folder.path() / "file.csv";
  const std::string bytes = "id,text\n1," + std::string(300'000, 'x') + "\n";
  ASSERT_TRUE(io::write_file_durably(ingest.archived, bytes).has_value());
  add(version(1));
  const auto response = get("/api/v1/tables/acme/financials/versions/1/file");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, bytes);
  EXPECT_EQ(response.header("content-type"), "text/csv");
  EXPECT_EQ(response.header("content-disposition"), "attachment; filename=\"acme_financials_v1.csv\"");
  EXPECT_EQ(response.header("etag"), "\"" + std::string(64, '0') + "\"");
  const auto again = test::fetch(server->address(), "GET", "/api/v1/tables/acme/financials/versions/1/file",
                                 "If-None-Match: " + response.header("etag") + "\r\n");
  EXPECT_EQ(again.status, 304);
  EXPECT_EQ(get("/api/v1/tables/acme/financials/versions/2/file").status, 404);
  EXPECT_EQ(get("/api/v1/tables/acme/financials/versions/x/file").status, 422);
}

}  // namespace
}  // namespace deltadrop::http
