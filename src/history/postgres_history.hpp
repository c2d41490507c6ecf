#pragma once

#include <chrono>
#include <memory>
#include <stop_token>
#include <string>

#include "history/history_store.hpp"

/// The history in a PostgreSQL database (12 or newer, encoding UTF8), by libpq.
namespace deltadrop::history::postgres {

struct Options {
  /// DATABASE_URL: postgresql://user:password@host:port/database, or key=value words.
  std::string url = "postgresql://postgres:postgres@localhost:5432/cdc_data";
  std::string application_name = "deltadrop";
  bool migrate = true;  ///< bring the schema up to date at the first connection; else only check it
  std::chrono::milliseconds connect_timeout{10'000};
  /// How long a call may wait for the server, but for `apply_next`: that one waits as long as the server
  /// answers others.
  std::chrono::milliseconds answer_timeout{60'000};
  std::chrono::milliseconds lock_timeout{10'000};
  /// While applying: how often to ask whether the server still answers. Two silent ones in a row end the
  /// wait.
  std::chrono::milliseconds probe_every{15'000};
  std::stop_token
      stop{};  ///< calls that wait, now and later, return shutting_down once this is asked to stop
};

/// DATABASE_URL as it may be shown: "***" in place of each secret (by libpq's own list), whatever the form
/// and the quotes; "***" alone where libpq cannot read it.
std::string masked_url(const std::string& url);

/// Does not connect: the server may come later, calls are `unavailable` until then. A call that finds its
/// connection lost fails, the next one connects anew. Fails with invalid_input "bad-database-url".
///
/// What an operator must repair is told by the error's type: "wrong-password", "login-refused",
/// "no-such-database", "no-permission", "read-only-database", "no-schema" (all `unavailable`: it may be
/// repaired while we wait) and conflict "schema-too-new".
Result<std::unique_ptr<HistoryStore>> open(Options options);

}  // namespace deltadrop::history::postgres
