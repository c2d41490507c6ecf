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

/// libpq without its sharp edges: every wait has an end, results free themselves, errors are ours.
///
/// Errors by SQLSTATE: classes 08 40 53 55 57 58 and a lost connection are `unavailable`; 22, 23 and 54 are
/// `invalid_input` ("unique-violation" for 23505, "constraint" for the rest of 23, else "refused-value");
/// what an operator must repair has the types of postgres_history.hpp; XX001 and XX002 are `corrupt`.
namespace deltadrop::history::postgres {

constexpr std::size_t kCopyPieceBytes = std::size_t{128} << 10;

/// In text format; nothing is NULL.
using Parameter = std::optional<std::string>;

struct Statement {
  std::string sql;  ///< with $1, $2...
  std::vector<Parameter> parameters;
};

/// One row of a result, whose columns are read one after another; lives as long as its Rows.
class Row {
 public:
  Row(const pg_result* result, int row) : result_(result), row_(row) {}
  std::string_view text() { return text_at(column_++); }
  std::int64_t number();
  bool boolean() { return text() == "t"; }
  std::optional<std::string> optional_text();
  std::optional<std::int64_t> optional_number();
  /// A jsonb without the blanks that PostgreSQL writes; "" for null.
  std::string json();
  std::string bytes();
  Result<Timestamp> time();
  Result<std::optional<Timestamp>> optional_time();

 private:
  [[nodiscard]] std::string_view text_at(int column) const;
  /// Steps over the next column where it is null.
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
  /// How many rows the statement changed.
  [[nodiscard]] std::int64_t changed() const;
  [[nodiscard]] const pg_result* get() const { return result_.get(); }

 private:
  struct Clear {
    void operator()(pg_result* result) const;
  };
  std::unique_ptr<pg_result, Clear> result_;
};

/// A line of COPY's text format, read as a Row. Each one that is read is room for the next.
class CopyRow {
 public:
  /// `line` without its end. The next column is its first.
  void read(std::string_view line);
  std::string_view text();
  std::int64_t number();
  /// A jsonb without the blanks that PostgreSQL writes; "" for null.
  std::string json();

 private:
  std::string text_;
  std::vector<std::size_t> ends_;  ///< by column, in `text_`
  std::size_t column_ = 0;
};

/// Whether a wait may last as long as the server answers others, or ends with answer_timeout.
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
  /// All statements in one round trip (pipeline mode). The first failure is the result; those behind it did
  /// not run.
  Result<std::vector<Rows>> run_all(const std::vector<Statement>& statements);
  /// Several statements, separated by semicolons, without parameters and results.
  Result<void> run_script(const std::string& sql);
  /// Appends the next lines of a COPY, about kCopyPieceBytes of them; appends nothing once there are none.
  using NextLines = std::function<void(std::string& lines)>;
  /// Runs "COPY ... FROM STDIN" with these lines. While one piece is made, the server works on those before.
  Result<void> copy(const std::string& sql, const NextLines& next);
  Result<void> copy(const std::string& sql, std::string_view lines);
  /// Runs "COPY ... TO STDOUT" and calls `use` with each row as it comes: the server makes no more of them
  /// than are used. Where `use` fails the connection is given up.
  using UseRow = std::function<Result<void>(CopyRow& row)>;
  Result<void> copy_out(const std::string& sql, const UseRow& use);

  /// False once the connection is lost or given up: open another one.
  [[nodiscard]] bool usable() const;
  /// Closes it, whatever the server is doing.
  void give_up();
  /// How its calls wait from now on; at first Patience::limited.
  Result<void> wait_with(Patience patience);
  /// "PostgreSQL at localhost:5432, database "cdc_data", user "postgres"": never the password.
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
  /// False where the server refused: the result says why.
  Result<bool> put_copy(std::string_view lines);
  /// False after the last row of a COPY.
  Result<bool> read_copy_row(CopyRow& row);
  /// The next result as it is; nothing at the end of a statement.
  Result<std::optional<Rows>> next_result();
  Result<Rows> finish(std::optional<Rows> first);
  /// Why the connection is lost; closes it.
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

/// BEGIN; rolled back unless committed.
class Transaction {
 public:
  /// Runs `first` in the same round trip and keeps their results for `take_first`.
  static Result<Transaction> begin(Connection& connection, std::vector<Statement> first = {},
                                   std::string_view mode = "");
  Transaction(Transaction&& other) noexcept;
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();

  [[nodiscard]] const std::vector<Rows>& first() const { return first_; }
  /// Runs `last` and COMMIT in one round trip; the results of `last`. `in_doubt` when the connection is lost
  /// on the way.
  Result<std::vector<Rows>> commit(std::vector<Statement> last = {});

 private:
  explicit Transaction(Connection& connection) : connection_(&connection) {}
  Connection* connection_;
  std::vector<Rows> first_;
};

/// What PostgreSQL complains about, as an Error of ours. `sqlstate` is empty where libpq itself complains;
/// `where` names server, database and user.
Error error_of_sqlstate(std::string_view sqlstate, std::string_view message, const std::string& where);

/// The SQLSTATE in a verbose message of libpq ("FATAL:  28P01: password ..."), or "".
std::string_view sqlstate_in(std::string_view verbose_message);

/// The message proper of libpq's verbose text, in one line: without severity, code and place in the source.
std::string message_in(std::string_view verbose_message);

/// Appends a field of COPY's text format.
void append_copy_field(std::string& line, std::string_view text);
/// As PostgreSQL reads it: it has no year 0, but 1 BC.
std::string time_text(Timestamp time);
/// A time as PostgreSQL writes it to a session with TimeZone UTC and DateStyle ISO.
Result<Timestamp> parse_time(std::string_view text);
/// A text that PostgreSQL can keep: NUL and invalid UTF-8 as \xNN.
std::string storable_text(std::string_view text);
/// "{a,b}" of elements without characters that need quotes.
std::string array_of(const std::vector<std::string>& elements);

}  // namespace deltadrop::history::postgres
