#pragma once

#include <chrono>
#include <memory>
#include <stop_token>
#include <string>

#include "history/history_store.hpp"

/// The history in a PostgreSQL database (12 or newer, encoding UTF8), accessed with libpq.
namespace deltadrop::history::postgres {

struct Options {
  /// DATABASE_URL: postgresql://user:password@host:port/database, or libpq's key=value form.
  std::string url = "postgresql://postgres:postgres@localhost:5432/cdc_data";
  std::string application_name = "deltadrop";
  bool migrate = true;  ///< migrate the schema at the first connection; otherwise only check it
  std::chrono::milliseconds connect_timeout{10'000};
  /// How long a call may wait for the server. `apply_next` ignores it and waits while the server responds to
  /// others.
  std::chrono::milliseconds answer_timeout{60'000};
  std::chrono::milliseconds lock_timeout{10'000};
  /// While applying: how often to probe that the server still responds. Two silent probes in a row end the
  /// wait.
  std::chrono::milliseconds probe_every{15'000};
  std::stop_token stop{};  ///< after a stop request, waiting calls and later ones return shutting_down
};

/// Returns DATABASE_URL with "***" for each secret (by libpq's own list), in any form and with any quotes.
/// Returns only "***" if libpq cannot parse it.
std::string masked_url(const std::string& url);

/// Does not connect: the server may start later, and calls are `unavailable` until then. A call that finds
/// its connection lost fails, and the next one reconnects. Fails with invalid_input, type "bad-database-url".
///
/// The error's type names what an operator must repair: "wrong-password", "login-refused",
/// "no-such-database", "no-permission", "read-only-database" and "no-schema" (all `unavailable`, since a
/// repair needs no restart), and conflict "schema-too-new".
Result<std::unique_ptr<HistoryStore>> open(Options options);

}  // namespace deltadrop::history::postgres
