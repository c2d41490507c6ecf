#include "history/postgres_connection.hpp"

#include <fmt/format.h>
#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <initializer_list>
#include <utility>

#include "io/fault_point.hpp"

namespace deltadrop::history::postgres {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kTick{100};  ///< the maximum delay before a stop request is seen
constexpr int kServerVersionMin = 120000;
constexpr int kSilentProbesMax = 2;

Error stopping() { return {ErrorCode::shutting_down, "stopping", "the history is stopping", ""}; }

Error silent(const std::string& where) {
  return {ErrorCode::unavailable, "database-silent", where + " does not answer",
          "look whether the server is frozen or overloaded, and at the network to it"};
}

void ignore_notice(void*, const char*) {}

/// Connection options in libpq's form: a list of names and a list of values, each ending with a null pointer.
class ConnectionWords {
 public:
  ConnectionWords(std::initializer_list<std::pair<const char*, const char*>> words) {
    for (const auto& [name, value] : words) {
      names_.push_back(name);
      values_.push_back(value);
    }
    names_.push_back(nullptr);
    values_.push_back(nullptr);
  }
  [[nodiscard]] const char* const* names() const { return names_.data(); }
  [[nodiscard]] const char* const* values() const { return values_.data(); }

 private:
  std::vector<const char*> names_;
  std::vector<const char*> values_;
};

}  // namespace

// ---- results

void Rows::Clear::operator()(pg_result* result) const { PQclear(result); }
int Rows::size() const { return PQntuples(result_.get()); }

std::int64_t Rows::changed() const {
  return std::strtoll(PQcmdTuples(result_.get()), nullptr, 10);  // "" if the statement cannot change rows
}

// ---- connecting

void Connection::Finish::operator()(pg_conn* connection) const { PQfinish(connection); }

Connection::Connection(pg_conn* connection, const Options& options)
    : connection_(connection), options_(&options), started_(Clock::now()) {}
Connection::Connection(Connection&&) noexcept = default;
Connection& Connection::operator=(Connection&&) noexcept = default;
Connection::~Connection() = default;

Result<Connection> Connection::open(const Options& options) {
  if (options.stop.stop_requested()) return stopping();
  // DATABASE_URL comes later in the list and overrides these. TCP keepalives detect a dead network; this
  // class's own waits detect a frozen server.
  const ConnectionWords words({{"application_name", options.application_name.c_str()},
                               {"keepalives_idle", "20"},
                               {"keepalives_interval", "5"},
                               {"keepalives_count", "4"},
                               {"tcp_user_timeout", "40000"},
                               {"dbname", options.url.c_str()},
                               {"client_encoding", "UTF8"}});
  Connection connection(PQconnectStartParams(words.names(), words.values(), 1), options);
  if (!connection.connection_) return Error{ErrorCode::internal, "postgres", "libpq is out of memory", ""};
  DD_TRY(connection.finish_connecting());
  DD_TRY(connection.prepare_session());
  return connection;
}

Result<void> Connection::finish_connecting() {
  pg_conn* c = connection_.get();
  // Only the verbose message contains the SQLSTATE of a refused login.
  PQsetErrorVerbosity(c, PQERRORS_VERBOSE);
  PQsetNoticeProcessor(c, ignore_notice, nullptr);
  limit_ = options_->connect_timeout;
  auto wanted = PGRES_POLLING_WRITING;
  while (PQstatus(c) != CONNECTION_BAD) {
    DD_TRY(const bool ready, wait_for_socket(wanted == PGRES_POLLING_READING ? POLLIN : POLLOUT));
    if (!ready) continue;
    wanted = PQconnectPoll(c);
    if (wanted == PGRES_POLLING_FAILED) break;
    if (wanted == PGRES_POLLING_OK) {
      PQsetErrorVerbosity(c, PQERRORS_DEFAULT);
      return success();
    }
  }
  const std::string message = PQerrorMessage(c);
  if (PQconnectionNeedsPassword(c) == 1) return error_of_sqlstate("28P01", message, where());
  return error_of_sqlstate(sqlstate_in(message), message, where());
}

Result<void> Connection::prepare_session() {
  pg_conn* c = connection_.get();
  if (PQserverVersion(c) < kServerVersionMin) {
    return error_of_sqlstate(
        "0A000", fmt::format("its version is {}", PQparameterStatus(c, "server_version")), where());
  }
  const std::string_view encoding = PQparameterStatus(c, "server_encoding");
  if (encoding != "UTF8") {
    return Error{ErrorCode::unavailable, "wrong-encoding",
                 fmt::format("{} keeps texts in {}, not in UTF8", where(), encoding),
                 "create the database with createdb --encoding=UTF8 --template=template0"};
  }
  if (PQsetnonblocking(c, 1) != 0) return lost();
  // The server must release the locks of a process that is frozen inside a transaction, and of one that exits
  // while the server works for it. Not every server has the second setting.
  const auto set = [](std::string_view name, const std::string& value) {
    return Statement{
        fmt::format("SELECT set_config(name, $1, false) FROM pg_settings WHERE name = '{}'", name), {value}};
  };
  const auto ms = [](milliseconds time) { return std::to_string(time.count()) + "ms"; };
  DD_TRY(run_all({set("TimeZone", "UTC"), set("DateStyle", "ISO"), set("bytea_output", "hex"),
                  set("lock_timeout", ms(options_->lock_timeout)),
                  set("statement_timeout", ms(options_->answer_timeout)),
                  set("idle_in_transaction_session_timeout", "15s"),
                  set("client_connection_check_interval", "5s"), set("jit", "off")}));
  return success();
}

std::string Connection::where() const {
  const pg_conn* c = connection_.get();
  const auto or_nothing = [](const char* text) { return text == nullptr ? "" : text; };
  return fmt::format("PostgreSQL at {}:{}, database \"{}\", user \"{}\"", or_nothing(PQhost(c)),
                     or_nothing(PQport(c)), or_nothing(PQdb(c)), or_nothing(PQuser(c)));
}

bool Connection::usable() const { return connection_ && PQstatus(connection_.get()) == CONNECTION_OK; }

void Connection::give_up() { connection_.reset(); }

Result<void> Connection::wait_with(Patience patience) {
  const bool limited = patience == Patience::limited;
  const auto limit = limited ? options_->answer_timeout.count() : 0;
  DD_TRY(run({fmt::format("SET statement_timeout = {}", limit), {}}));
  patience_ = patience;
  return success();
}

// ---- waiting

Result<void> Connection::check_patience() {
  if (options_->stop.stop_requested()) {
    give_up();
    return stopping();
  }
  const auto now = Clock::now();
  if (patience_ == Patience::limited) {
    if (now - started_ < limit_) return success();
  } else {
    if (now < next_probe_) return success();
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(options_->connect_timeout).count();
    const std::string timeout = std::to_string(seconds);
    const ConnectionWords words({{"dbname", options_->url.c_str()}, {"connect_timeout", timeout.c_str()}});
    const auto answer = PQpingParams(words.names(), words.values(), 1);
    next_probe_ = Clock::now() + options_->probe_every;
    silent_probes_ = answer == PQPING_OK ? 0 : silent_probes_ + 1;
    if (silent_probes_ < kSilentProbesMax) return success();
  }
  const Error error = silent(where());
  give_up();
  return error;
}

/// Waits up to one tick for one of these events. Returns true if one arrived.
Result<bool> Connection::wait_for_socket(short events) {
  DD_TRY(check_patience());
  pollfd waited{PQsocket(connection_.get()), events, 0};
  const int ready = ::poll(&waited, 1, static_cast<int>(kTick.count()));
  if (ready < 0 && errno != EINTR) return lost();
  return ready > 0;
}

Error Connection::lost() {
  Error error = error_of_sqlstate("", PQerrorMessage(connection_.get()), where());
  give_up();
  return error;
}

void Connection::begin_wait() {
  started_ = Clock::now();
  limit_ = options_->answer_timeout;
  next_probe_ = started_ + options_->probe_every;
  silent_probes_ = 0;
}

Result<std::optional<Rows>> Connection::next_result() {
  pg_conn* c = connection_.get();
  bool readable = true;
  while (readable) {
    const int flushed = PQflush(c);
    if (PQisBusy(c) == 0) break;
    DD_TRY(wait_for_socket(static_cast<short>(flushed == 1 ? POLLIN | POLLOUT : POLLIN)));
    // The next result reports a read failure together with the server's last message.
    readable = PQconsumeInput(c) == 1;
  }
  pg_result* result = PQgetResult(c);
  if (result == nullptr) return std::optional<Rows>();
  return std::optional<Rows>(Rows(result));
}

// ---- statements

Error Connection::error_of(const Rows& rows) const {
  const char* sqlstate = PQresultErrorField(rows.get(), PG_DIAG_SQLSTATE);
  const char* primary = PQresultErrorField(rows.get(), PG_DIAG_MESSAGE_PRIMARY);
  const char* detail = PQresultErrorField(rows.get(), PG_DIAG_MESSAGE_DETAIL);
  std::string message = primary != nullptr ? primary : PQresultErrorMessage(rows.get());
  if (detail != nullptr) message += fmt::format(" ({})", detail);
  return error_of_sqlstate(sqlstate != nullptr ? sqlstate : "", message, where());
}

Result<void> Connection::send(const Statement& statement) {
  std::vector<const char*> values;
  values.reserve(statement.parameters.size());
  for (const auto& parameter : statement.parameters) {
    values.push_back(parameter ? parameter->c_str() : nullptr);
  }
  if (PQsendQueryParams(connection_.get(), statement.sql.c_str(), static_cast<int>(values.size()), nullptr,
                        values.data(), nullptr, nullptr, 0) == 1) {
    return success();
  }
  return lost();
}

/// Reads to the end of a statement. Returns `first` or the first failure.
Result<Rows> Connection::finish(std::optional<Rows> first) {
  std::optional<Error> failure;
  const auto look = [&](const Rows& rows) {
    const auto status = PQresultStatus(rows.get());
    const bool good = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
    if (!good && !failure) failure = error_of(rows);
  };
  if (first) look(*first);
  while (true) {
    DD_TRY(auto rows, next_result());
    if (!rows) break;
    look(*rows);
    if (!first) first = std::move(rows);
  }
  if (!failure && first) return std::move(*first);
  if (!failure) return lost();
  if (!usable()) give_up();
  return *failure;
}

Result<Rows> Connection::run(const Statement& statement) {
  begin_wait();
  DD_TRY(send(statement));
  return finish(std::nullopt);
}

Result<void> Connection::run_script(const std::string& sql) {
  begin_wait();
  if (PQsendQuery(connection_.get(), sql.c_str()) != 1) return lost();
  DD_TRY(finish(std::nullopt));
  return success();
}

Result<std::vector<Rows>> Connection::run_all(const std::vector<Statement>& statements) {
  begin_wait();
  pg_conn* c = connection_.get();
  if (PQenterPipelineMode(c) != 1) return lost();
  for (const auto& statement : statements) {
    DD_TRY(send(statement));
  }
  if (PQpipelineSync(c) != 1) return lost();
  std::vector<Rows> all;
  std::optional<Error> failure;
  while (true) {
    DD_TRY(auto rows, next_result());
    if (!rows) {  // between two statements
      if (!usable()) break;
      continue;
    }
    const auto status = PQresultStatus(rows->get());
    if (status == PGRES_PIPELINE_SYNC) break;
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) {
      all.push_back(std::move(*rows));
    } else if (!failure) {
      failure = error_of(*rows);
    }
  }
  if (usable() && PQexitPipelineMode(c) == 1) {
    if (failure) return *failure;
    return all;
  }
  if (!failure) return lost();
  give_up();
  return *failure;
}

Result<bool> Connection::put_copy(std::string_view lines) {
  pg_conn* c = connection_.get();
  int taken = 0;
  while ((taken = PQputCopyData(c, lines.data(), static_cast<int>(lines.size()))) == 0) {
    DD_TRY(wait_for_socket(POLLOUT));
    PQflush(c);
  }
  while (taken > 0 && PQflush(c) == 1) {
    DD_TRY(wait_for_socket(POLLIN | POLLOUT));
    if (PQconsumeInput(c) != 1) return false;
  }
  return taken > 0;
}

Result<void> Connection::copy(const std::string& sql, const NextLines& next) {
  begin_wait();
  pg_conn* c = connection_.get();
  if (PQsendQuery(c, sql.c_str()) != 1) return lost();
  DD_TRY(auto ready, next_result());
  if (!ready || PQresultStatus(ready->get()) != PGRES_COPY_IN) {
    DD_TRY(finish(std::move(ready)));
    return Error{ErrorCode::internal, "postgres", where() + " does not take the lines of a COPY", ""};
  }
  // These calls fail if the server refuses the data midway; the result contains the reason.
  bool taken = true;
  std::string lines;
  while (taken) {
    lines.clear();
    next(lines);
    if (lines.empty()) break;
    DD_TRY(taken, put_copy(lines));
  }
  int ended = taken ? 0 : -1;
  while (ended == 0 && (ended = PQputCopyEnd(c, nullptr)) == 0) {
    DD_TRY(wait_for_socket(POLLOUT));
  }
  DD_TRY(finish(std::nullopt));
  return success();
}

Result<void> Connection::copy(const std::string& sql, std::string_view lines) {
  return copy(sql, [&](std::string& piece) {
    piece = lines.substr(0, kCopyPieceBytes);
    lines.remove_prefix(piece.size());
  });
}

Result<bool> Connection::read_copy_row(CopyRow& row) {
  pg_conn* c = connection_.get();
  char* line = nullptr;
  int length = 0;
  while ((length = PQgetCopyData(c, &line, 1)) == 0) {
    DD_TRY(wait_for_socket(POLLIN));
    if (PQconsumeInput(c) != 1) return lost();  // this also reads data that libpq's TLS layer has buffered
  }
  if (length < 0) return false;  // the next result tells the end from a failure
  row.read(std::string_view(line, static_cast<std::size_t>(length) - 1));
  PQfreemem(line);
  return true;
}

Result<void> Connection::copy_out(const std::string& sql, const UseRow& use) {
  begin_wait();
  if (PQsendQuery(connection_.get(), sql.c_str()) != 1) return lost();
  DD_TRY(auto begun, next_result());
  if (!begun || PQresultStatus(begun->get()) != PGRES_COPY_OUT) {
    DD_TRY(finish(std::move(begun)));
    return Error{ErrorCode::internal, "postgres", where() + " does not send the rows of a COPY", ""};
  }
  CopyRow row;
  while (true) {
    DD_TRY(const bool read, read_copy_row(row));
    if (!read) break;
    const auto used = use(row);
    if (used) continue;
    give_up();
    return used;
  }
  DD_TRY(finish(std::nullopt));
  return success();
}

// ---- transactions

Result<Transaction> Transaction::begin(Connection& connection, std::vector<Statement> first,
                                       std::string_view mode) {
  first.insert(first.begin(), Statement{fmt::format("BEGIN {}", mode), {}});
  Transaction transaction(connection);
  DD_TRY(auto results, connection.run_all(first));
  results.erase(results.begin());
  transaction.first_ = std::move(results);
  return transaction;
}

Transaction::Transaction(Transaction&& other) noexcept
    : connection_(std::exchange(other.connection_, nullptr)), first_(std::move(other.first_)) {}

Transaction::~Transaction() {
  if (connection_ == nullptr || !connection_->usable()) return;
  // After a failed rollback the connection's state is unknown.
  if (const auto ended = connection_->run({"ROLLBACK", {}}); !ended) connection_->give_up();
}

Result<std::vector<Rows>> Transaction::commit(std::vector<Statement> last) {
  // A test may end the process here and after the commit.
  [[maybe_unused]] const int before = io::fault_point("postgres.commit", {});
  last.push_back({"COMMIT", {}});
  auto done = connection_->run_all(last);
  if (done) {
    [[maybe_unused]] const int after = io::fault_point("postgres.committed", {});
    connection_ = nullptr;
    done.value().pop_back();
    return done;
  }
  if (connection_->usable() || done.error().code == ErrorCode::shutting_down) return done;
  return Error{ErrorCode::in_doubt, "commit-in-doubt",
               "the connection was lost before the answer to COMMIT came: " + done.error().message,
               "read what is there, then decide"};
}

}  // namespace deltadrop::history::postgres
