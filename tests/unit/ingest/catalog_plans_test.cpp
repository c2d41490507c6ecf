#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "ingest/catalog.hpp"
#include "sqlite/database.hpp"
#include "support/result_check.hpp"
#include "support/temporary_folder.hpp"

namespace deltadrop::ingest {
namespace {

using testing::must;

/// A list that scans all uploads passes every other test, but is too slow with a million uploads.
TEST(CatalogPlans, ListsReadWhatTheyShow) {
  const testing::TemporaryFolder folder;
  const auto path = folder.path() / "catalog.db";
  must(Catalog::open(path));
  auto database = must(sqlite::Database::open(path));
  struct List {
    std::string sql;
    std::string index;
  };
  const std::vector<List> lists = {
      {"uploads WHERE TRUE AND upload_id < 'u'", "sqlite_autoindex_uploads_1 (upload_id<?)"},
      {"uploads INDEXED BY uploads_of_table WHERE TRUE AND company_id = 'c' AND table_name = 't' AND "
       "upload_id < 'u'",
       "uploads_of_table (company_id=? AND table_name=? AND upload_id<?)"},
      {"uploads INDEXED BY uploads_not_published WHERE TRUE AND state <> 'published' AND state = 'held' AND "
       "upload_id < 'u'",
       "uploads_not_published (state=? AND upload_id<?)"},
      {"uploads INDEXED BY uploads_of_table_not_published WHERE TRUE AND state <> 'published' AND company_id "
       "= "
       "'c' AND table_name = 't' AND state = 'held' AND upload_id < 'u'",
       "uploads_of_table_not_published (company_id=? AND table_name=? AND state=? AND upload_id<?)"},
  };
  for (const auto& list : lists) {
    auto explain = must(database.prepare("EXPLAIN QUERY PLAN SELECT record FROM " + list.sql +
                                         " ORDER BY upload_id DESC LIMIT 10"));
    std::string plan;
    while (must(explain.step())) plan += std::string(explain.text(3)) + "\n";
    EXPECT_NE(plan.find(list.index), std::string::npos) << list.sql << ":\n" << plan;
    EXPECT_EQ(plan.find("TEMP B-TREE"), std::string::npos) << list.sql << " sorts:\n" << plan;
  }
}

TEST(CatalogPlans, EveryFilterHasItsIndex) {
  const testing::TemporaryFolder folder;
  const auto catalog = must(Catalog::open(folder.path() / "catalog.db"));
  // SQLite reports an error if INDEXED BY names an index that the statement cannot use.
  for (const bool of_table : {false, true}) {
    for (const auto state : {UploadState::held, UploadState::accepted, UploadState::published,
                             UploadState::discarded, UploadState::expired}) {
      UploadFilter filter;
      if (of_table) filter.table = TableRef{"c", "t"};
      EXPECT_TRUE(must(catalog->list(filter)).empty());
      filter.state = state;
      EXPECT_TRUE(must(catalog->list(filter)).empty());
      filter.before = must(UploadId::parse("0195f3a0-7c00-7000-8000-000000000001"));
      EXPECT_TRUE(must(catalog->list(filter)).empty());
    }
  }
}

}  // namespace
}  // namespace deltadrop::ingest
