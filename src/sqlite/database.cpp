#include "sqlite/database.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <cerrno>
#include <map>
#include <string>
#include <utility>

#include "io/fault_point.hpp"
#include "io/file.hpp"

namespace deltadrop::sqlite {
namespace {

struct Classified {
  ErrorCode code;
  const char* type;
  const char* fix;
};

Classified classify(int code) {
  switch (code & 0xFF) {
    case SQLITE_FULL:
      return {ErrorCode::unavailable, "disk-full", "free space on that file system, then retry"};
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {ErrorCode::unavailable, "database-busy", "retry"};
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return {ErrorCode::unavailable, "read-only",
              "allow this user to write the database file and its directory"};
    case SQLITE_NOMEM:
      return {ErrorCode::unavailable, "out-of-memory",
              "raise the limit on memory (ulimit -v) of this process"};
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
      return {ErrorCode::unavailable, "io-error",
              "check the disk, the directory's permissions and the system's log"};
    case SQLITE_CONSTRAINT:
      return {ErrorCode::conflict, "constraint", ""};
    case SQLITE_TOOBIG:
      return {ErrorCode::invalid_input, "too-big", ""};
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return {ErrorCode::corrupt, "database-damaged", "restore the file from a backup"};
    default:
      return {ErrorCode::internal, "sqlite", ""};
  }
}

}  // namespace

struct Database::State {
  sqlite3* connection = nullptr;
  std::filesystem::path path;
  std::string repair;  ///< the fix for errors about a damaged file
  std::map<std::string, sqlite3_stmt*, std::less<>> statements;

  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    for (auto& [sql, statement] : statements) sqlite3_finalize(statement);
    sqlite3_close_v2(connection);
  }
};

Database::Database(std::unique_ptr<State> state) : state_(std::move(state)) {}
Database::Database(Database&&) noexcept = default;
Database& Database::operator=(Database&&) noexcept = default;
Database::~Database() = default;

const std::filesystem::path& Database::path() const { return state_->path; }

sqlite3* Database::handle() const { return state_->connection; }

Error Database::error_of(int code, std::string_view sql) const {
  const int number = sqlite3_system_errno(state_->connection);
  const bool of_the_system = (code & 0xFF) == SQLITE_IOERR || (code & 0xFF) == SQLITE_CANTOPEN;
  // These are limits of this process; system_error gives them their own types and fixes.
  if (of_the_system && (number == EFBIG || number == EMFILE || number == ENFILE || number == ENOMEM)) {
    return io::system_error("use", state_->path, number);
  }
  const auto kind = classify(code);
  return {kind.code, kind.type,
          fmt::format("{}: {}{}{}", state_->path.string(), sqlite3_errmsg(state_->connection),
                      sql.empty() ? "" : " in: ", sql),
          kind.code == ErrorCode::corrupt && !state_->repair.empty() ? state_->repair : kind.fix};
}

void Database::set_repair(std::string fix) { state_->repair = std::move(fix); }

Result<Database> Database::open(const std::filesystem::path& path, Access access) {
  auto state = std::make_unique<State>();
  state->path = path;
  const int flags =
      access == Access::read_write ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;
  const int code = sqlite3_open_v2(path.c_str(), &state->connection,
                                   flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  Database database(std::move(state));
  if (code != SQLITE_OK) return database.error_of(code, "");
  sqlite3_busy_timeout(database.handle(), 5000);
  DD_TRY(database.execute("PRAGMA foreign_keys=ON; PRAGMA mmap_size=0; PRAGMA synchronous=FULL"));
  if (access == Access::read_write) {
    DD_TRY(database.execute("PRAGMA journal_mode=WAL"));
  }
  return database;
}

Result<void> Database::execute(std::string_view sql) {
  const std::string text(sql);
  const int code = sqlite3_exec(handle(), text.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return error_of(code, sql);
  return success();
}

Result<Statement> Database::prepare(std::string_view sql) {
  const auto known = state_->statements.find(sql);
  if (known != state_->statements.end()) return Statement(*this, known->second);
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(handle(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) return error_of(code, sql);
  state_->statements.emplace(std::string(sql), statement);
  return Statement(*this, statement);
}

std::int64_t Database::changes() const { return sqlite3_changes64(handle()); }

bool Database::in_transaction() const { return sqlite3_get_autocommit(handle()) == 0; }

Result<void> Database::migrate(std::span<const std::string_view> migrations) {
  std::int64_t done = 0;
  {
    DD_TRY(auto version, prepare("PRAGMA user_version"));
    DD_TRY(version.step());
    done = version.number(0);
  }
  const auto known = static_cast<std::int64_t>(migrations.size());
  if (done > known) {
    return Error{ErrorCode::conflict, "schema-too-new",
                 fmt::format("{} has schema version {}; this program supports versions up to {}",
                             state_->path.string(), done, known),
                 "use the newer deltadrop version that wrote it"};
  }
  for (; done < known; ++done) {
    DD_TRY(auto transaction, Transaction::begin(*this));
    DD_TRY(execute(migrations[static_cast<std::size_t>(done)]));
    DD_TRY(execute(fmt::format("PRAGMA user_version={}", done + 1)));
    DD_TRY(transaction.commit());
  }
  return success();
}

Statement::Statement(Statement&& other) noexcept
    : database_(other.database_), statement_(std::exchange(other.statement_, nullptr)) {}

Statement::~Statement() {
  if (statement_ != nullptr) reset();
}

void Statement::reset() {
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

Statement& Statement::bind(int parameter, std::string_view text) {
  // An empty view may have a null pointer, which would bind NULL.
  sqlite3_bind_text64(statement_, parameter, text.empty() ? "" : text.data(), text.size(), SQLITE_STATIC,
                      SQLITE_UTF8);
  return *this;
}

Statement& Statement::bind(int parameter, std::int64_t number) {
  sqlite3_bind_int64(statement_, parameter, number);
  return *this;
}

Statement& Statement::bind_blob(int parameter, std::string_view bytes) {
  sqlite3_bind_blob64(statement_, parameter, bytes.empty() ? "" : bytes.data(), bytes.size(), SQLITE_STATIC);
  return *this;
}

Statement& Statement::bind_null(int parameter) {
  sqlite3_bind_null(statement_, parameter);
  return *this;
}

Result<bool> Statement::step() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) {
    sqlite3_reset(statement_);
    return false;
  }
  Error error = database_->error_of(code, sqlite3_sql(statement_));
  sqlite3_reset(statement_);
  return error;
}

Result<void> Statement::run() {
  while (true) {
    DD_TRY(const bool row, step());
    if (!row) return success();
  }
}

std::string_view Statement::text(int column) const {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_, column));
  return {bytes == nullptr ? "" : bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

std::int64_t Statement::number(int column) const { return sqlite3_column_int64(statement_, column); }

bool Statement::is_null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }

std::optional<std::string> Statement::optional_text(int column) const {
  if (is_null(column)) return std::nullopt;
  return std::string(text(column));
}

std::optional<std::int64_t> Statement::optional_number(int column) const {
  if (is_null(column)) return std::nullopt;
  return number(column);
}

Result<Transaction> Transaction::begin(Database& database) {
  DD_TRY(database.execute("BEGIN IMMEDIATE"));
  return Transaction(database);
}

Transaction::Transaction(Transaction&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}

Transaction::~Transaction() {
  if (database_ == nullptr) return;
  // After some errors, SQLite has already rolled back. ROLLBACK then fails harmlessly.
  [[maybe_unused]] const auto rolled_back = database_->execute("ROLLBACK");
}

Result<void> Transaction::commit() {
  if (const int number = io::fault_point("commit", database_->path()))
    return io::system_error("commit", database_->path(), number);
  DD_TRY(database_->execute("COMMIT"));
  const auto& path = std::exchange(database_, nullptr)->path();
  // After the commit, tests can only kill the process: SQLite runs in it, so no response can be lost.
  static_cast<void>(io::fault_point("committed", path));
  return success();
}

}  // namespace deltadrop::sqlite
