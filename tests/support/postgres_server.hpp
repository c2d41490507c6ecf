#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "support/server_script.hpp"

struct pg_conn;

namespace deltadrop::testing {

/// A connection of a test's own.
class SqlSession {
 public:
  /// Ends the test program where it cannot connect.
  explicit SqlSession(const std::string& url);
  /// The database's complaint, or "".
  std::string execute(const std::string& sql);
  /// The first field of the first row, or "". Ends the test program where the statement fails.
  std::string value(const std::string& sql);
  /// Asks until the answer is `wanted`; false when it is not within half a minute.
  bool wait_for(const std::string& sql, const std::string& wanted);

 private:
  struct Finish {
    void operator()(pg_conn* connection) const;
  };
  std::unique_ptr<pg_conn, Finish> connection_;
};

/// A real PostgreSQL server (tests/support/postgres_server.py), started when made and ended with this. It
/// keeps its address and its data over `stop` and `start`.
class PostgresServer {
 public:
  PostgresServer() { start(); }

  void start() { url_ = script_.command("start"); }
  void stop() { script_.command("stop"); }
  void kill() { script_.command("kill"); }
  void freeze() { script_.command("freeze"); }
  void thaw() { script_.command("thaw"); }

  /// Of a database, as the owner of everything.
  [[nodiscard]] std::string url(const std::string& database = "postgres") const;
  /// The same as somebody else.
  [[nodiscard]] std::string url(const std::string& database, const std::string& user,
                                const std::string& password) const;
  void make_database(const std::string& name);

 private:
  ServerScript script_{"postgres_server.py"};
  std::string url_;
};

/// The one that a test program shares; started by the first call.
PostgresServer& shared_postgres_server();

}  // namespace deltadrop::testing
