#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "history/postgres_connection.hpp"

namespace deltadrop::history::postgres {
namespace {

struct Meaning {
  std::string_view sqlstate;  ///< five characters, or the two characters of a class
  ErrorCode code;
  std::string_view type;
  std::string_view fix;
};

constexpr std::string_view kWait = "the same call may succeed later";

// The first match counts. A failure that an operator can repair while calls retry is `unavailable`. It is
// never `invalid_input`, which would blame the data.
constexpr auto kMeanings = std::to_array<Meaning>({
    {"", ErrorCode::unavailable, "database-unreachable", "start PostgreSQL, or correct DATABASE_URL"},
    {"28P01", ErrorCode::unavailable, "wrong-password", "correct the password in DATABASE_URL"},
    {"28", ErrorCode::unavailable, "login-refused",
     "correct the user in DATABASE_URL, or let it in by pg_hba.conf"},
    {"3D000", ErrorCode::unavailable, "no-such-database",
     "create it with createdb --encoding=UTF8, or correct DATABASE_URL"},
    {"3F000", ErrorCode::unavailable, "no-schema", "correct the search_path of this user"},
    {"42501", ErrorCode::unavailable, "no-permission",
     "GRANT the user what it lacks (for consume: USAGE, CREATE ON SCHEMA; SELECT, INSERT, UPDATE, DELETE ON "
     "ALL TABLES), or name its owner in DATABASE_URL"},
    {"25006", ErrorCode::unavailable, "read-only-database",
     "name a primary server in DATABASE_URL, and a user without default_transaction_read_only"},
    {"42P01", ErrorCode::unavailable, "no-schema",
     "Deltadrop's tables are not there: run `deltadrop consume` against this database once"},
    {"25P03", ErrorCode::unavailable, "connection-ended", kWait},
    {"23505", ErrorCode::invalid_input, "unique-violation", ""},
    {"23", ErrorCode::invalid_input, "constraint", ""},
    {"22", ErrorCode::invalid_input, "refused-value", ""},
    {"54", ErrorCode::invalid_input, "refused-value", ""},
    {"53100", ErrorCode::unavailable, "database-disk-full", "make room on the database server"},
    {"53300", ErrorCode::unavailable, "too-many-connections", "raise max_connections of PostgreSQL"},
    {"55P03", ErrorCode::unavailable, "lock-timeout", kWait},
    {"57014", ErrorCode::unavailable, "statement-timeout", kWait},
    {"57P03", ErrorCode::unavailable, "database-starting", kWait},
    {"08", ErrorCode::unavailable, "database-unreachable", kWait},
    {"40", ErrorCode::unavailable, "serialization", kWait},
    {"53", ErrorCode::unavailable, "database-resources", "give the database server more of it"},
    {"55", ErrorCode::unavailable, "database-busy", kWait},
    {"57", ErrorCode::unavailable, "database-stopped", kWait},
    {"58", ErrorCode::unavailable, "database-io-error", "look into PostgreSQL's log"},
    {"XX001", ErrorCode::corrupt, "database-corrupt", "look into PostgreSQL's log; restore a backup"},
    {"XX002", ErrorCode::corrupt, "database-corrupt", "look into PostgreSQL's log; REINDEX"},
    {"0A000", ErrorCode::internal, "postgres", "PostgreSQL 12 or newer is needed"},
});

bool is_code(std::string_view text) {
  return text.size() == 5 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
         });
}

/// Returns the position of the code in the last "LETTERS:  CODE: ", or npos. The letters depend on the
/// server's language.
std::size_t find_code(std::string_view message) {
  std::size_t found = std::string_view::npos;
  for (std::size_t at = message.find(":  "); at != std::string_view::npos; at = message.find(":  ", at + 1)) {
    const std::string_view code = message.substr(at + 3, 5);
    if (is_code(code) && message.substr(at + 8, 2) == ": ") found = at + 3;
  }
  return found;
}

}  // namespace

std::string_view sqlstate_in(std::string_view verbose_message) {
  const std::size_t at = find_code(verbose_message);
  return at == std::string_view::npos ? "" : verbose_message.substr(at, 5);
}

std::string message_in(std::string_view verbose_message) {
  if (const std::size_t at = find_code(verbose_message); at != std::string_view::npos) {
    verbose_message.remove_prefix(at + 7);
    verbose_message = verbose_message.substr(0, verbose_message.find('\n'));
  }
  std::string line;
  for (const char c : verbose_message) {
    const bool blank = c == '\n' || c == '\t' || c == ' ';
    if (!blank) {
      line += c;
    } else if (!line.empty() && line.back() != ' ') {
      line += ' ';
    }
  }
  while (line.ends_with(' ')) line.pop_back();
  return line;
}

Error error_of_sqlstate(std::string_view sqlstate, std::string_view message, const std::string& where) {
  const auto meaning = std::find_if(kMeanings.begin(), kMeanings.end(), [&](const Meaning& each) {
    return each.sqlstate.empty() ? sqlstate.empty() : sqlstate.starts_with(each.sqlstate);
  });
  if (meaning == kMeanings.end()) {
    return {ErrorCode::internal, "postgres",
            fmt::format("{} answers {} ({})", where, message_in(message), sqlstate), ""};
  }
  return {meaning->code, std::string(meaning->type),
          fmt::format("{}: {}{}", where, message_in(message),
                      sqlstate.empty() ? std::string() : fmt::format(" ({})", sqlstate)),
          std::string(meaning->fix)};
}

}  // namespace deltadrop::history::postgres
