#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "history/postgres_history.hpp"
#include "support/history_feed.hpp"
#include "support/postgres_server.hpp"
#include "support/result_check.hpp"
#include "support/table_story.hpp"

namespace deltadrop::history {

using testing::error_of;
using testing::HistoryFeed;
using testing::must;
using testing::SqlSession;
using testing::TableStory;

/// A test's own database in the shared server.
class PostgresFault : public ::testing::Test {
 protected:
  PostgresFault() { server_.make_database(database_); }
  ~PostgresFault() override { server_.thaw(); }

  std::string url() { return server_.url(database_); }
  std::unique_ptr<HistoryStore> open(postgres::Options options = {}) {
    if (options.url == postgres::Options{}.url) options.url = url();
    return must(postgres::open(std::move(options)));
  }
  SqlSession session() { return SqlSession(url()); }
  UploadStatus upload(HistoryStore& store, const UploadId& id) { return *must(store.upload(id)); }

  testing::PostgresServer& server_ = testing::shared_postgres_server();
  std::string database_ = ::testing::UnitTest::GetInstance()->current_test_info()->name();
  TableStory story_{"acme"};
  Timestamp now_{1'900'000'000'000};
};

/// While the gate is closed, statements of one kind wait in the database.
class Gate {
 public:
  /// `trigger` says where statements wait, such as "BEFORE INSERT ON cdc_events". `kind` may be CONSTRAINT.
  Gate(const std::string& url, const std::string& trigger, const std::string& kind = "") : holder_(url) {
    const std::string made = holder_.execute(
        "SELECT pg_advisory_lock(42); CREATE FUNCTION gate() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN PERFORM pg_advisory_lock(42); PERFORM pg_advisory_unlock(42); RETURN NULL; END $$; "
        "CREATE " +
        kind + " TRIGGER gate " + trigger + " EXECUTE FUNCTION gate()");
    EXPECT_EQ(made, "");
  }
  bool wait_until_somebody_waits() {
    return holder_.wait_for(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database = "
        "(SELECT oid FROM pg_database WHERE datname = current_database())",
        "1");
  }
  void open() { EXPECT_EQ(holder_.execute("SELECT pg_advisory_unlock(42)"), ""); }

 private:
  SqlSession holder_;
};

}  // namespace deltadrop::history
