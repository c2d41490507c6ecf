#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "core/timestamp.hpp"
#include "history/postgres_history.hpp"

struct pg_conn;
struct pg_result;

/// A safe interface to libpq: every wait has a limit, results free themselves, and failures are Errors.
///
/// Errors by SQLSTATE: classes 08 40 53 55 57 58 and a lost connection are `unavailable`; 22, 23 and 54 are
/// `invalid_input` ("unique-violation" for 23505, "constraint" for the rest of 23, otherwise
/// "refused-value"); XX001 and XX002 are `corrupt`. Failures that an operator must repair have the types of
/// postgres_history.hpp.
namespace deltadrop::history::postgres {

constexpr std::size_t kCopyPieceBytes = std::size_t{128} << 10;

/// A parameter in text format; nothing means NULL.
using Parameter = std::optional<std::string>;

struct Statement {
  std::string sql;  ///< with $1, $2...
  std::vector<Parameter> parameters;
};

/// A row of a result. Each call reads the next column. Valid while its Rows exist.
class Row {
 public:
  Row(const pg_result* result, int row) : result_(result), row_(row) {}
  std::string_view text() { return text_at(column_++); }
  std::int64_t number();
  bool boolean() { return text() == "t"; }
  std::optional<std::string> optional_text();
  std::optional<std::int64_t> optional_number();
  /// Reads a jsonb and removes the spaces that PostgreSQL writes. Returns "" for NULL.
  std::string json();
  std::string bytes();
  Result<Timestamp> time();
  Result<std::optional<Timestamp>> optional_time();

 private:
  [[nodiscard]] std::string_view text_at(int column) const;
  /// Skips the next column if it is NULL.
  bool skip_null();

  const pg_result* result_;
  int row_;
  int column_ = 0;
};

class Rows {
 public:
  explicit Rows(pg_result* result) : result_(result) {}
  [[nodiscard]] int size() const;
  [[nodiscard]] bool empty() const { return size() == 0; }
  [[nodiscard]] Row operator[](int row) const { return {result_.get(), row}; }
  /// Returns the number of rows that the statement changed.
  [[nodiscard]] std::int64_t changed() const;
  [[nodiscard]] const pg_result* get() const { return result_.get(); }

 private:
  struct Clear {
    void operator()(pg_result* result) const;
  };
  std::unique_ptr<pg_result, Clear> result_;
};

/// A line of COPY's text format with the interface of Row. `read` reuses the memory of the line before.
class CopyRow {
 public:
  /// Parses `line`, without its line end, and starts at its first column.
  void read(std::string_view line);
  std::string_view text();
  std::int64_t number();
  /// Reads a jsonb and removes the spaces that PostgreSQL writes. Returns "" for NULL.
  std::string json();

 private:
  std::string text_;
  std::vector<std::size_t> ends_;  ///< the end of each column in `text_`
  std::size_t column_ = 0;
};

/// Limits a wait by answer_timeout, or lets it last while the server responds to others.
enum class Patience { limited, while_server_answers };

/// One connection, used from one thread at a time.
class Connection {
 public:
  /// Waits for at most connect_timeout.
  static Result<Connection> open(const Options& options);
  Connection(Connection&&) noexcept;
  Connection& operator=(Connection&&) noexcept;
  ~Connection();

  Result<Rows> run(const Statement& statement);
  /// Runs all statements in one round trip (pipeline mode). Returns the first failure; the statements after
  /// it do not run.
  Result<std::vector<Rows>> run_all(const std::vector<Statement>& statements);
  /// Runs several statements, separated by semicolons, without parameters or results.
  Result<void> run_script(const std::string& sql);
  /// Appends the next lines of a COPY, about kCopyPieceBytes, or nothing at the end.
  using NextLines = std::function<void(std::string& lines)>;
  /// Runs "COPY ... FROM STDIN" with these lines. The server processes each piece while the next is made.
  Result<void> copy(const std::string& sql, const NextLines& next);
  Result<void> copy(const std::string& sql, std::string_view lines);
  /// Runs "COPY ... TO STDOUT" and calls `use` with each row as it arrives, so the server makes no more rows
  /// than are used. If `use` fails, the connection is closed.
  using UseRow = std::function<Result<void>(CopyRow& row)>;
  Result<void> copy_out(const std::string& sql, const UseRow& use);

  /// Returns false if the connection is lost or closed. The caller must then open another one.
  [[nodiscard]] bool usable() const;
  /// Closes the connection even while the server is busy.
  void give_up();
  /// Sets how later calls wait. The default is Patience::limited.
  Result<void> wait_with(Patience patience);
  /// Returns `PostgreSQL at localhost:5432, database "cdc_data", user "postgres"`, never the password.
  [[nodiscard]] std::string where() const;

 private:
  struct Finish {
    void operator()(pg_conn* connection) const;
  };
  using Clock = std::chrono::steady_clock;
  Connection(pg_conn* connection, const Options& options);

  Result<void> finish_connecting();
  Result<void> prepare_session();
  void begin_wait();
  Result<void> check_patience();
  Result<bool> wait_for_socket(short events);
  Result<void> send(const Statement& statement);
  /// Returns false if the server refused the data; the next result contains the reason.
  Result<bool> put_copy(std::string_view lines);
  /// Returns false after the last row of a COPY.
  Result<bool> read_copy_row(CopyRow& row);
  /// Returns the next result unchecked, or nothing at the end of a statement.
  Result<std::optional<Rows>> next_result();
  Result<Rows> finish(std::optional<Rows> first);
  /// Closes the lost connection and returns the reason.
  Error lost();
  [[nodiscard]] Error error_of(const Rows& rows) const;

  std::unique_ptr<pg_conn, Finish> connection_;
  const Options* options_;
  Patience patience_ = Patience::limited;
  std::chrono::milliseconds limit_{};
  Clock::time_point started_;
  Clock::time_point next_probe_;
  int silent_probes_ = 0;
};

/// A transaction, which the destructor rolls back unless it is committed.
class Transaction {
 public:
  /// Runs BEGIN and the statements of `first` in one round trip and keeps their results for `first()`.
  static Result<Transaction> begin(Connection& connection, std::vector<Statement> first = {},
                                   std::string_view mode = "");
  Transaction(Transaction&& other) noexcept;
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();

  [[nodiscard]] const std::vector<Rows>& first() const { return first_; }
  /// Runs `last` and COMMIT in one round trip and returns the results of `last`. Fails with `in_doubt` if the
  /// connection is lost meanwhile.
  Result<std::vector<Rows>> commit(std::vector<Statement> last = {});

 private:
  explicit Transaction(Connection& connection) : connection_(&connection) {}
  Connection* connection_;
  std::vector<Rows> first_;
};

/// Maps a failure of PostgreSQL to an Error. `sqlstate` is empty if libpq itself reports it. `where` names
/// server, database and user.
Error error_of_sqlstate(std::string_view sqlstate, std::string_view message, const std::string& where);

/// Returns the SQLSTATE of a verbose libpq message ("FATAL:  28P01: password ..."), or "".
std::string_view sqlstate_in(std::string_view verbose_message);

/// Returns the message of libpq's verbose text in one line, without severity, code and source location.
std::string message_in(std::string_view verbose_message);

/// Appends a field of COPY's text format.
void append_copy_field(std::string& line, std::string_view text);
/// Formats a time for PostgreSQL, which has no year 0 and calls it 1 BC.
std::string time_text(Timestamp time);
/// Parses a time that PostgreSQL wrote in a session with TimeZone UTC and DateStyle ISO.
Result<Timestamp> parse_time(std::string_view text);
/// Returns `text` in a form that PostgreSQL can store: NUL and invalid UTF-8 become \xNN.
std::string storable_text(std::string_view text);
/// Returns "{a,b}". The elements must not contain characters that need quotes.
std::string array_of(const std::vector<std::string>& elements);

}  // namespace deltadrop::history::postgres
