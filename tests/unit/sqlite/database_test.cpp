#include "sqlite/database.hpp"

#include <gtest/gtest.h>

#include <array>
#include <fstream>

#include "support/temporary_folder.hpp"

namespace deltadrop::sqlite {
namespace {

using testing::TemporaryFolder;

constexpr std::array<std::string_view, 2> kMigrations = {
    "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT UNIQUE)", "ALTER TABLE t ADD COLUMN size INTEGER"};

class DatabaseTest : public ::testing::Test {
 protected:
  DatabaseTest() { EXPECT_TRUE(database_.migrate(kMigrations).has_value()); }

  Result<void> insert(std::int64_t id, std::string_view name) {
    DD_TRY(auto statement, database_.prepare("INSERT INTO t(id, name) VALUES (?1, ?2)"));
    return statement.bind(1, id).bind(2, name).run();
  }

  std::int64_t count() {
    auto statement = database_.prepare("SELECT count(*) FROM t");
    EXPECT_TRUE(statement.value().step().value());
    return statement.value().number(0);
  }

  TemporaryFolder folder_;
  std::filesystem::path path_ = folder_.path() / "t.db";
  Database database_ = Database::open(path_).value();
};

TEST_F(DatabaseTest, ReadsBackTextWithNulAndEmptyAndNull) {
  ASSERT_TRUE(insert(1, std::string_view("a\0b", 3)).has_value());
  ASSERT_TRUE(insert(2, "").has_value());
  auto statement = database_.prepare("SELECT name, size FROM t ORDER BY id").value();
  ASSERT_TRUE(statement.step().value());
  EXPECT_EQ(statement.text(0), std::string_view("a\0b", 3));
  EXPECT_EQ(statement.optional_number(1), std::nullopt);
  ASSERT_TRUE(statement.step().value());
  EXPECT_EQ(statement.optional_text(0), "");
  EXPECT_FALSE(statement.step().value());
}

TEST_F(DatabaseTest, AViolatedConstraintIsAConflictAndTheStatementStaysUsable) {
  ASSERT_TRUE(insert(1, "a").has_value());
  const auto twice = insert(2, "a");
  ASSERT_FALSE(twice.has_value());
  EXPECT_EQ(twice.error().code, ErrorCode::conflict);
  EXPECT_TRUE(insert(2, "b").has_value());
}

TEST_F(DatabaseTest, AnUncommittedTransactionLeavesNothing) {
  {
    auto transaction = Transaction::begin(database_);
    ASSERT_TRUE(transaction.has_value());
    ASSERT_TRUE(insert(1, "a").has_value());
  }
  EXPECT_EQ(count(), 0);
  auto transaction = Transaction::begin(database_);
  ASSERT_TRUE(insert(1, "a").has_value());
  ASSERT_TRUE(transaction.value().commit().has_value());
  EXPECT_EQ(count(), 1);
}

TEST_F(DatabaseTest, MigratesOnceAndRefusesANewerSchema) {
  EXPECT_TRUE(database_.migrate(kMigrations).has_value());
  const auto older = database_.migrate(std::span(kMigrations).first(1));
  ASSERT_FALSE(older.has_value());
  EXPECT_EQ(older.error().type, "schema-too-new");
}

TEST_F(DatabaseTest, AReadOnlyConnectionSeesCommitsAndCannotWrite) {
  auto reader = Database::open(path_, Access::read_only);
  ASSERT_TRUE(reader.has_value());
  ASSERT_TRUE(insert(1, "a").has_value());
  EXPECT_FALSE(reader.value().execute("DELETE FROM t").has_value());
  auto statement = reader.value().prepare("SELECT name FROM t");
  ASSERT_TRUE(statement.value().step().value());
  EXPECT_EQ(statement.value().text(0), "a");
}

TEST(Database, AFileThatIsNotADatabaseIsCorrupt) {
  const TemporaryFolder folder;
  std::ofstream(folder.path() / "x.db") << std::string(4096, 'x');
  const auto opened = Database::open(folder.path() / "x.db");
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().code, ErrorCode::corrupt);
}

TEST(Database, AMissingFolderIsNamed) {
  const auto opened = Database::open("/nowhere/x.db");
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().code, ErrorCode::unavailable);
  EXPECT_NE(opened.error().message.find("/nowhere/x.db"), std::string::npos);
}

}  // namespace
}  // namespace deltadrop::sqlite
