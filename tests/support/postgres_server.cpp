#include "support/postgres_server.hpp"

#include <fmt/format.h>
#include <libpq-fe.h>

#include <cstdlib>

namespace deltadrop::testing {
namespace {

using Answer = std::unique_ptr<PGresult, decltype(&PQclear)>;

[[noreturn]] void give_up(const std::string& reason) {
  fmt::print(stderr, "{}\n", reason);
  std::abort();
}

}  // namespace

void SqlSession::Finish::operator()(pg_conn* connection) const { PQfinish(connection); }

SqlSession::SqlSession(const std::string& url) : connection_(PQconnectdb(url.c_str())) {
  if (PQstatus(connection_.get()) != CONNECTION_OK) give_up(PQerrorMessage(connection_.get()));
  PQsetNoticeProcessor(connection_.get(), [](void*, const char*) {}, nullptr);
}

std::string SqlSession::execute(const std::string& sql) {
  const Answer answer(PQexec(connection_.get(), sql.c_str()), PQclear);
  const auto status = PQresultStatus(answer.get());
  return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK ? "" : PQresultErrorMessage(answer.get());
}

std::string SqlSession::value(const std::string& sql) {
  const Answer answer(PQexec(connection_.get(), sql.c_str()), PQclear);
  if (PQresultStatus(answer.get()) != PGRES_TUPLES_OK)
    give_up(sql + ": " + PQerrorMessage(connection_.get()));
  return PQntuples(answer.get()) == 0 ? "" : PQgetvalue(answer.get(), 0, 0);
}

bool SqlSession::wait_for(const std::string& sql, const std::string& wanted) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (std::chrono::steady_clock::now() < end) {
    if (value(sql) == wanted) return true;
  }
  return false;
}

std::string PostgresServer::url(const std::string& database) const {
  return url_.substr(0, url_.rfind('/') + 1) + database;
}

std::string PostgresServer::url(const std::string& database, const std::string& user,
                                const std::string& password) const {
  const std::string host = url_.substr(url_.find('@'), url_.rfind('/') - url_.find('@'));
  return fmt::format("postgresql://{}:{}{}/{}", user, password, host, database);
}

void PostgresServer::make_database(const std::string& name) {
  const auto complaint =
      SqlSession(url()).execute(fmt::format("CREATE DATABASE \"{}\" TEMPLATE template0", name));
  if (!complaint.empty()) give_up(complaint);
}

PostgresServer& shared_postgres_server() {
  static PostgresServer server;
  return server;
}

}  // namespace deltadrop::testing
