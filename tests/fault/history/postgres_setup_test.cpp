#include <functional>

#include "core/values_json.hpp"
#include "postgres_fixture.hpp"

// Setup errors of an operator: each gets one clear line and does no damage.

namespace deltadrop::history {
namespace {

const testing::Rows kRows = {{"a", {{"v", "1"}}}, {"b", {{"v", "2"}}}};

TEST_F(PostgresFault, ABadUrlIsRefusedAtOnceWithoutThePassword) {
  for (const std::string url :
       {"", "nonsense", "postgresql://me:hunter2@host:54x32/db?sslmode=what&x=y",
        "postgresql://me:hunter2%zz@host/db", "host=h password=hunter2 hunter2", "http://me:hunter2@host"}) {
    const auto opened = postgres::open({.url = url});
    ASSERT_EQ(error_of(opened), "invalid_input/bad-database-url") << url;
    EXPECT_EQ(opened.error().text().find("hunter2"), std::string::npos) << opened.error().text();
    EXPECT_NE(opened.error().fix, "");
  }
}

TEST_F(PostgresFault, EachWrongSetupHasItsNameAndAFix) {
  must(open()->summary());
  auto admin = session();
  ASSERT_EQ(admin.execute("CREATE ROLE reader LOGIN PASSWORD 'r'; GRANT SELECT ON ALL TABLES IN SCHEMA "
                          "public TO reader; CREATE ROLE nobody LOGIN PASSWORD 'n'; "
                          "CREATE ROLE locked NOLOGIN PASSWORD 'l'"),
            "");
  ASSERT_EQ(admin.execute("CREATE DATABASE empty_one TEMPLATE template0"), "");
  ASSERT_EQ(admin.execute("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0"), "");
  struct Case {
    std::string name;
    std::string url;
    std::string error;
    std::string names;
  };
  const std::string closed_port = "postgresql://postgres:secret@127.0.0.1:1/" + database_;
  const std::vector<Case> cases = {
      {"no server", closed_port, "unavailable/database-unreachable", "127.0.0.1:1"},
      {"no such host", "postgresql://postgres:p@no-such-host.invalid/db", "unavailable/database-unreachable",
       "no-such-host.invalid"},
      {"wrong password", server_.url(database_, "postgres", "wrong"), "unavailable/wrong-password",
       "\"postgres\""},
      {"no password", server_.url(database_, "postgres", ""), "unavailable/wrong-password", "password"},
      {"no such user", server_.url(database_, "stranger", "x"), "unavailable/wrong-password", "stranger"},
      {"may not log in", server_.url(database_, "locked", "l"), "unavailable/login-refused", "locked"},
      {"no such database", server_.url("missing"), "unavailable/no-such-database", "missing"},
      {"may not make tables", server_.url("empty_one", "nobody", "n"), "unavailable/no-permission", "public"},
      {"may not read", server_.url(database_, "nobody", "n"), "unavailable/no-permission",
       "schema_migrations"},
      {"another encoding", server_.url("latin"), "unavailable/wrong-encoding", "LATIN1"},
  };
  for (const auto& each : cases) {
    const auto store = open({.url = each.url});
    const auto answer = store->summary();
    ASSERT_EQ(error_of(answer), each.error) << each.name << ": " << answer.error().text();
    EXPECT_NE(answer.error().message.find(each.names), std::string::npos) << answer.error().text();
    EXPECT_EQ(answer.error().text().find('\n'), std::string::npos) << answer.error().text();
    EXPECT_EQ(answer.error().text().find("secret"), std::string::npos) << answer.error().text();
    EXPECT_NE(answer.error().fix, "") << each.name;
  }
}

TEST_F(PostgresFault, AReadOnlyRoleReadsAndIsToldWhatItLacks) {
  const auto writer = open();
  HistoryFeed feed(*writer);
  feed.record_all(story_.next(kRows));
  ASSERT_EQ(session().execute("CREATE ROLE viewer LOGIN PASSWORD 'v'; GRANT SELECT ON ALL TABLES IN SCHEMA "
                              "public TO viewer"),
            "");
  const auto viewer = open({.url = server_.url(database_, "viewer", "v"), .migrate = false});
  EXPECT_EQ(must(viewer->summary()).uploads_recorded, 1);
  HistoryFeed viewers_feed(*viewer);
  const auto recorded = viewers_feed.record(viewers_feed.batch({}));
  EXPECT_EQ(error_of(recorded), "") << "nothing to write";
  const auto refused = viewers_feed.record(viewers_feed.batch({{3, story_.next({})[0]}}));
  EXPECT_EQ(error_of(refused), "unavailable/no-permission") << "it must not count as bad data";
  ASSERT_EQ(session().execute("ALTER ROLE postgres IN DATABASE \"" + database_ +
                              "\" SET default_transaction_read_only = on"),
            "");
  const auto read_only = open();
  HistoryFeed read_only_feed(*read_only);
  EXPECT_EQ(error_of(read_only_feed.record(read_only_feed.batch({{3, story_.next(kRows)[0]}}))),
            "unavailable/read-only-database");
}

TEST_F(PostgresFault, ASchemaIsMadeOnceAndANewerOneIsRefused) {
  const auto checking = open({.url = url(), .migrate = false});
  EXPECT_EQ(error_of(checking->health()), "unavailable/no-schema");
  must(open()->summary());
  EXPECT_EQ(error_of(checking->health()), "") << "it checks again";
  must(open()->summary());
  auto admin = session();
  EXPECT_EQ(admin.value("SELECT count(*) FROM schema_migrations"), "4");
  ASSERT_EQ(admin.execute("INSERT INTO schema_migrations (number) VALUES (999)"), "");
  const auto answer = open()->health();
  EXPECT_EQ(error_of(answer), "conflict/schema-too-new");
  EXPECT_NE(answer.error().message.find("999"), std::string::npos) << answer.error().text();
}

TEST_F(PostgresFault, AValueThatItCannotKeepIsBadInputAndNothingElseIsLost) {
  const auto store = open();
  HistoryFeed feed(*store);
  auto events = story_.next(kRows);
  auto bad = events;
  bad[1].new_values_json = "{\"v\":\"\\u0000\"}";
  EXPECT_EQ(error_of(feed.record(feed.batch({{0, bad[0]}, {0, bad[1]}}))), "invalid_input/refused-value");
  EXPECT_TRUE(must(store->offsets("topic")).empty());
  bad[1].new_values_json.clear();
  EXPECT_EQ(error_of(feed.record(feed.batch({{0, bad[0]}, {0, bad[1]}}))), "invalid_input/constraint");
  bad[1] = events[1];
  bad[1].key_value = std::string("nul\0", 4);
  EXPECT_EQ(error_of(feed.record(feed.batch({{0, bad[0]}, {0, bad[1]}}))), "invalid_input/refused-value");
  must(feed.record(feed.dead_letter("payload", events[1].upload)));
  EXPECT_EQ(upload(*store, events[0].upload.upload_id).state, UploadState::blocked);
  feed.record_all(events);
  EXPECT_TRUE(std::holds_alternative<Applied>(must(store->apply_next(story_.table(), now_))));
}

TEST_F(PostgresFault, TextsAndTimesComeBackAsTheyWere) {
  const auto store = open();
  HistoryFeed feed(*store);
  const std::string hard = "tab\t line\n return\r back\\slash \\N \"quote\" {\"a\": 1} \xC3\xA9";
  auto events = story_.next({{hard, {{"a: b, c", hard}, {"none", std::nullopt}}}});
  events[0].upload.types_json = R"({"a": "int64",  "b":"\u0000"})";
  events[0].upload.effective_at = must(Timestamp::parse("0000-02-29T00:00:00.001Z"));
  events[0].key_column = "key\t\\";
  feed.record_all(events);
  ASSERT_TRUE(std::holds_alternative<Applied>(must(store->apply_next(story_.table(), now_))));
  const auto found = must(store->key_history(story_.table(), hard));
  ASSERT_EQ(found.size(), 1U);
  // jsonb keeps an object's members, not their order.
  EXPECT_TRUE(equal_values_json(found[0].event.new_values_json, events[0].new_values_json))
      << found[0].event.new_values_json;
  events[0].new_values_json = found[0].event.new_values_json;
  EXPECT_EQ(found[0].event, events[0]);
  EXPECT_EQ(must(store->records({story_.table(), now_, std::nullopt, 10}))[0].valid_from,
            events[0].upload.effective_at);
}

}  // namespace
}  // namespace deltadrop::history
