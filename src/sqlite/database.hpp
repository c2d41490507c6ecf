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

/// The only wrapper around SQLite. Errors: a full disk, an I/O error or a busy database is `unavailable`
/// ("disk-full", "io-error", "database-busy"); a violated constraint is `conflict` ("constraint"); a damaged
/// file is `corrupt`; any other failure is `internal`, with the statement in the message.
namespace deltadrop::sqlite {

class Database;

/// A prepared statement. The Database owns it; this handle resets it when destroyed. Parameters are 1-based
/// and bound by reference: their bytes must live until the next step.
class Statement {
 public:
  Statement(Statement&&) noexcept;
  Statement& operator=(Statement&&) = delete;
  Statement(const Statement&) = delete;
  ~Statement();

  Statement& bind(int parameter, std::string_view text);
  Statement& bind(int parameter, const char* text) { return bind(parameter, std::string_view(text)); }
  Statement& bind(int parameter, const std::string& text) { return bind(parameter, std::string_view(text)); }
  /// Deleted because the temporary would be destroyed before the step.
  Statement& bind(int parameter, std::string&& text) = delete;
  Statement& bind(int parameter, std::int64_t number);
  Statement& bind_blob(int parameter, std::string_view bytes);
  Statement& bind_null(int parameter);
  template <class T>
  Statement& bind(int parameter, const std::optional<T>& value) {
    return value ? bind(parameter, *value) : bind_null(parameter);
  }

  /// Returns true if there is a row. After the last row, or after an error, the statement is reset.
  Result<bool> step();
  /// Steps to the end and ignores any rows.
  Result<void> run();
  /// Clears the state and the bindings of the last run.
  void reset();

  /// Reads a column of the current row. Columns are 0-based; views live until the next step.
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

/// One connection. Use it from one thread at a time. A read-write connection uses WAL mode with
/// synchronous=FULL, enforces foreign keys, waits up to 5 s for locks and does not use mmap.
class Database {
 public:
  static Result<Database> open(const std::filesystem::path& path, Access access = Access::read_write);
  Database(Database&&) noexcept;
  Database& operator=(Database&&) noexcept;
  ~Database();

  /// Runs statements without parameters, separated by semicolons, and ignores any rows.
  Result<void> execute(std::string_view sql);
  /// Returns a statement from the cache, by its text, or prepares it. Use one handle per text at a time.
  Result<Statement> prepare(std::string_view sql);
  /// Returns the number of rows that the last statement changed.
  [[nodiscard]] std::int64_t changes() const;
  /// Returns false after an error for which SQLite rolled back by itself.
  [[nodiscard]] bool in_transaction() const;
  [[nodiscard]] sqlite3* handle() const;
  [[nodiscard]] const std::filesystem::path& path() const;

  /// Sets the `fix` of all later errors that report a damaged file.
  void set_repair(std::string fix);

  /// Updates the schema: skips the first `user_version` migrations and runs each of the others in its own
  /// transaction. Fails with conflict, type "schema-too-new", if the database has more migrations than given.
  Result<void> migrate(std::span<const std::string_view> migrations);

 private:
  friend class Statement;
  struct State;
  explicit Database(std::unique_ptr<State> state);
  Error error_of(int code, std::string_view sql) const;
  std::unique_ptr<State> state_;
};

/// A transaction (BEGIN IMMEDIATE). The destructor rolls back unless `commit` succeeded.
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
