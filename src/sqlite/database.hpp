#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/result.hpp"

struct sqlite3;
struct sqlite3_stmt;

/// The one wrapper over SQLite that the adapters of several rooms share. Errors: a full disk, I/O or busy is
/// `unavailable` ("disk-full", "io-error", "database-busy"); a violated constraint is `conflict`
/// ("constraint"); a damaged file is `corrupt`; anything else is `internal` with the statement in the
/// message.
namespace deltadrop::sqlite {

class Database;

/// A prepared statement, kept by its Database and reset when this handle goes. Parameters are 1-based and
/// bound by reference: their bytes must live until the next step.
class Statement {
 public:
  Statement(Statement&&) noexcept;
  Statement& operator=(Statement&&) = delete;
  Statement(const Statement&) = delete;
  ~Statement();

  Statement& bind(int parameter, std::string_view text);
  Statement& bind(int parameter, const char* text) { return bind(parameter, std::string_view(text)); }
  Statement& bind(int parameter, const std::string& text) { return bind(parameter, std::string_view(text)); }
  /// A temporary would be gone before the step.
  Statement& bind(int parameter, std::string&& text) = delete;
  Statement& bind(int parameter, std::int64_t number);
  Statement& bind_blob(int parameter, std::string_view bytes);
  Statement& bind_null(int parameter);
  template <class T>
  Statement& bind(int parameter, const std::optional<T>& value) {
    return value ? bind(parameter, *value) : bind_null(parameter);
  }

  /// True while there is a row. After the last row, or an error, the statement is reset.
  Result<bool> step();
  /// Steps to the end, for statements that give no rows.
  Result<void> run();
  /// Clears the state of the last run, so that parameters can be bound anew.
  void reset();

  /// Of the current row, 0-based; views live until the next step.
  [[nodiscard]] std::string_view text(int column) const;
  [[nodiscard]] std::int64_t number(int column) const;
  [[nodiscard]] bool is_null(int column) const;
  [[nodiscard]] std::optional<std::string> optional_text(int column) const;
  [[nodiscard]] std::optional<std::int64_t> optional_number(int column) const;

 private:
  friend class Database;
  Statement(Database& database, sqlite3_stmt* statement) : database_(&database), statement_(statement) {}
  Database* database_;
  sqlite3_stmt* statement_;
};

enum class Access { read_write, read_only };

/// One connection; use from one thread at a time. A read-write one is in WAL mode with synchronous=FULL,
/// foreign keys on, a 5 s busy timeout and no mmap.
class Database {
 public:
  static Result<Database> open(const std::filesystem::path& path, Access access = Access::read_write);
  Database(Database&&) noexcept;
  Database& operator=(Database&&) noexcept;
  ~Database();

  /// Statements without parameters or rows, separated by semicolons.
  Result<void> execute(std::string_view sql);
  /// Cached by its text: preparing the same text twice costs a look-up. One handle of one text at a time.
  Result<Statement> prepare(std::string_view sql);
  /// Rows that the last statement changed.
  [[nodiscard]] std::int64_t changes() const;
  /// False after an error for which SQLite rolled back by itself.
  [[nodiscard]] bool in_transaction() const;
  [[nodiscard]] sqlite3* handle() const;
  [[nodiscard]] const std::filesystem::path& path() const;

  /// What to do when this file turns out to be damaged, for the errors of all later calls.
  void set_repair(std::string fix);

  /// Brings the schema up to date: runs each migration after the first `user_version` ones, each in a
  /// transaction. Fails with conflict, type "schema-too-new", when the database knows more migrations than
  /// given.
  Result<void> migrate(std::span<const std::string_view> migrations);

 private:
  friend class Statement;
  struct State;
  explicit Database(std::unique_ptr<State> state);
  Error error_of(int code, std::string_view sql) const;
  std::unique_ptr<State> state_;
};

/// BEGIN IMMEDIATE; rolled back unless committed.
class Transaction {
 public:
  static Result<Transaction> begin(Database& database);
  Transaction(Transaction&& other) noexcept;
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();
  Result<void> commit();

 private:
  explicit Transaction(Database& database) : database_(&database) {}
  Database* database_;
};

}  // namespace deltadrop::sqlite
