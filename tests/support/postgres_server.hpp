#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "support/server_script.hpp"

struct pg_conn;

namespace deltadrop::testing {

/// A test's own connection.
class SqlSession {
 public:
  /// Ends the test program if it cannot connect.
  explicit SqlSession(const std::string& url);
  /// Returns the database's error message, or "".
  std::string execute(const std::string& sql);
  /// Returns the first field of the first row, or "". Ends the test program if the statement fails.
  std::string value(const std::string& sql);
  /// Repeats the query until the result is `wanted`. Returns false after half a minute.
  bool wait_for(const std::string& sql, const std::string& wanted);

 private:
  struct Finish {
    void operator()(pg_conn* connection) const;
  };
  std::unique_ptr<pg_conn, Finish> connection_;
};

/// A real PostgreSQL server (tests/support/postgres_server.py). The constructor starts it and the destructor
/// ends it. It keeps its address and its data over `stop` and `start`.
class PostgresServer {
 public:
  PostgresServer() { start(); }

  void start() { url_ = script_.command("start"); }
  void stop() { script_.command("stop"); }
  void kill() { script_.command("kill"); }
  void freeze() { script_.command("freeze"); }
  void thaw() { script_.command("thaw"); }

  /// The URL of a database, for the owner of all objects.
  [[nodiscard]] std::string url(const std::string& database = "postgres") const;
  /// The URL of a database, for another user.
  [[nodiscard]] std::string url(const std::string& database, const std::string& user,
                                const std::string& password) const;
  void make_database(const std::string& name);

 private:
  ServerScript script_{"postgres_server.py"};
  std::string url_;
};

/// The server that a test program shares. The first call starts it.
PostgresServer& shared_postgres_server();

}  // namespace deltadrop::testing
